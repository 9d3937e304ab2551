"""What the article says that the course grew from: its claims, each worded once, with the verdict of the course.

`article` prints them at the end of a chapter, with that chapter's own evidence. A verdict is decided here and nowhere
else; a chapter brings only whether its experiments came out as the verdict has it.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

TRUE, LIMITED, FALSE = "true", "true within limits", "false"
WIDTH = 100  # columns of a printed line
AGAIN = "Run the experiment again when the machine has nothing else to do."


@dataclass(frozen=True)
class Claim:
    """A claim of the article.

    Attributes:
        words: the claim, as a sentence.
        verdict: "true", "true within limits" or "false".
        why: what the course found, in a sentence or two.
        chapters: numbers of the chapters that put it to the test.
    """

    words: str
    verdict: str
    why: str
    chapters: tuple[int, ...]


CLAIMS = {
    1: Claim(
        "A nonblocking accept with no client to accept raises an exception.",
        TRUE,
        "It raises BlockingIOError, with the error number EAGAIN: nothing is there yet.",
        (2,),
    ),
    2: Claim(
        "Asking all sockets in a loop is a simplified select.",
        TRUE,
        "select makes the same walk, inside the kernel: one call instead of one for each socket, and it can sleep.",
        (3,),
    ),
    3: Claim(
        "Another number in listen() changes how the server behaves.",
        LIMITED,
        "It is the length of the accept queue. The number is cut down to somaxconn, and the queue holds one more than "
        "what is left of it. Clients beyond that are not refused: they wait, and knock again.",
        (9,),
    ),
    4: Claim(
        "Polling costs more with every connection, even if only one of them talks.",
        TRUE,
        "Each round asks every socket. With hundreds of silent ones, nearly all of a reply's cost is spent on them.",
        (2, 10),
    ),
    5: Claim(
        "select puts the process to sleep, and walks through its list again when it wakes.",
        TRUE,
        "The thread that calls it sleeps without using the processor, and each call costs more the longer its list is. "
        "Chapter 4 shows the second walk.",
        (3, 4),
    ),
    6: Claim(
        "select is limited to 1,024 connections on Linux, 2,048 on a 64-bit system; file-max says how far it goes.",
        FALSE,
        "1,024 is right, on 32-bit and 64-bit Linux alike. But it is the descriptor's number that is limited, not how "
        "many are watched, and neither file-max nor a higher limit on open files moves it.",
        (4,),
    ),
    7: Claim(
        "Each call of select walks through all 1,024 places.",
        FALSE,
        "It walks up to the highest number that it was given, and steps over empty stretches of the bitmap.",
        (4,),
    ),
    8: Claim(
        "select can watch the keyboard too.",
        TRUE,
        "It watches whatever has a descriptor and can be polled: sockets, pipes, terminals.",
        (3,),
    ),
    9: Claim(
        "epoll has no limit on the number of connections.",
        LIMITED,
        "It does not have select's limit of 1,024. Descriptors, memory and what one user may have watched "
        "(max_user_watches) run out all the same.",
        (5, 9),
    ),
    10: Claim(
        "epoll's efficiency does not fall as connections are added.",
        LIMITED,
        "Silent connections cost a wait nothing. Talking ones do: each has to be served, whichever way you wait.",
        (5, 6, 9, 10, 13),
    ),
    11: Claim(
        "Only the connections that have news cause work: each of them calls a callback.",
        TRUE,
        "A note at each socket puts it on the ready list when something happens, and a wait looks at that list alone.",
        (5, 13),
    ),
    12: Claim(
        "epoll is therefore far more efficient than select and poll.",
        LIMITED,
        "With many connections of which few talk, it is. With few of them, or when all of them talk, it has no lead.",
        (5, 10),
    ),
}


def article(evidence: Mapping[int, bool]) -> None:
    """Print what the article says, what the course's verdict is, and whether this chapter's experiments bear it out.

    Args:
        evidence: for each claim's number, whether the experiments came out as the verdict says.

    Raises:
        ValueError: there is no claim of that number; lists those that there are.
        TypeError: a piece of evidence is neither true nor false.
    """
    __tracebackhide__ = True
    for number, borne_out in evidence.items():
        if number not in CLAIMS:
            raise ValueError(f"the article has no claim {number!r}; the claims are numbered 1 to {len(CLAIMS)}")
        if borne_out not in (True, False):
            raise TypeError(f"claim {number}: the evidence is {borne_out!r}; it has to be True or False")
    for number, borne_out in evidence.items():
        claim = CLAIMS[number]
        print(_filled(f"{number}. {claim.words}", 0, 4))
        print(_filled(f"{claim.verdict.capitalize()}. {claim.why}", 4, 4))
        if not borne_out:
            print(_filled(f"On this machine, just now, it came out otherwise. {AGAIN}", 4, 4))


def expect(findings: Mapping[str, bool]) -> None:
    """Print a line for each finding that this run does not bear out, and nothing if all of them hold.

    What a chapter says about times is true on a machine that is not busy with something else. Here it is put to the
    test out of the reader's way: the figures themselves are shown by the cells above.

    Args:
        findings: for each finding, in words as they are to be printed, whether it held.

    Raises:
        TypeError: a finding is not text, or its outcome neither true nor false.
    """
    __tracebackhide__ = True
    for words, holds in findings.items():
        if not isinstance(words, str) or holds not in (True, False):
            raise TypeError(f"expect takes {{sentence: True or False}}, not {words!r}: {holds!r}")
    for words, holds in findings.items():
        if not holds:
            print(f"Not so on this machine just now: {words}. {AGAIN}")


def _filled(text: str, first: int, others: int) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=" " * first, subsequent_indent=" " * others)
