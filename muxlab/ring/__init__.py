"""io_uring in plain Python: hand the calls themselves to the kernel, and wait for their completion.

entries   requests and completions, in Python's terms and in words
system    the three system calls behind it, and whether this system allows them
ring      the ring: the two queues, and the one call
"""

from .entries import Completion, Queues, Request
from .ring import Ring
from .system import refusal, require_ring

__all__ = ["Completion", "Queues", "Request", "Ring", "refusal", "require_ring"]
