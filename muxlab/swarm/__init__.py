"""`Swarm`: thousands of clients of one server, in one thread over one epoll, or in processes of their own.

swarm      what a learner drives, and the figures of how the clients are served
loop       the thread in which all clients live
clients    one client, and all that are there
messages   who says what when, and whether the reply is right
poller     epoll, or poll where there is none
stats      counts, latencies, snapshots
processes  the same loop in processes of their own
"""

from .swarm import Swarm

__all__ = ["Swarm"]
