"""`check`: a server against clients that behave as real ones do, good and bad.

runner        runs the trials, the simplest first
report        what came of them, as text and for a notebook
bench         one server, started afresh, and its clients; what a trial is
clients       a client that can misbehave
wait_calls    how a server waits, told from its calls
messages, backpressure, endings, idle, scarcity   the trials
"""

from .report import Report, Verdict
from .runner import check

__all__ = ["Report", "Verdict", "check"]
