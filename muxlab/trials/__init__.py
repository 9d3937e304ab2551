"""`check`: try a server with clients that behave as real ones do, good and bad.

runner        runs the trials, the simplest first, and tells each cause once
report        what came of them, as text and for a notebook
trial         what trials are made of: one trial, its messages, a server's way of waiting
server_on_trial  one server, started afresh, and what is seen of it
bench         the same with its clients
patience      how long to wait for what may never come, and how to tell a nap
clients       a client that can misbehave
leftovers     what a server leaves behind
messages, slow, backpressure, endings, idle, scarcity   the trials
parting       trials that are run only when they are named
resp, resp_keys, resp_channels   the same for a server that speaks Redis's protocol, with the clients of resp_client
conversation  what clients do to a server, moment by moment, as plain data
talker, stage how it is played: a client of it, and what is looked at after each moment
search        conversations that nobody has thought of, and the shortest that breaks the server
story         that one, told and drawn
"""

from .report import Report, Verdict
from .runner import REDIS, check

__all__ = ["REDIS", "Report", "Verdict", "check"]
