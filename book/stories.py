"""What the panels of the chapters perform in the book: for each of them a story, by chapter and kind of panel."""

from muxlab.show.story import Scene

SCALE_WITH_EPOLL = [
    Scene("look", "Two clients have connected, and wait in the accept queue. The server has not run a line yet.",
          "accept queue 2 of"),
    Scene(("until", "epoll.poll("), "First it makes an epoll, and puts the listener on its interest list.",
          "watched for IN"),
]  # fmt: skip

STORIES = {
    "05": {"stepper": SCALE_WITH_EPOLL, "playground": [Scene({}, "x")]},
}
"""By the number of the chapter, and the kind of its panel."""
