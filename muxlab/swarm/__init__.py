"""`Swarm`: thousands of clients of one server, in one thread over one epoll, or in processes of their own.

swarm      what a learner drives: what is wanted, figures, the end
waiting    how far the clients have come, and waits until they are further
loop       the thread in which all clients live
clients    how a client is connected, lost, closed
messages   which client sends what and when, and whether the reply is right
redis_messages  the same for a server that speaks Redis's protocol
poller     epoll, or poll where there is none
stats      counts, latencies, snapshots
processes  the same loop in processes of their own, as few as can hold the clients, or as many as were asked for
child      one such process
"""

from .swarm import Swarm

__all__ = ["Swarm"]
