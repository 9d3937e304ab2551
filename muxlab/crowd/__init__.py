"""The inside of a swarm: all its clients, in one thread, over one epoll; or in other processes, where it is isolated.

A client is a state and at most one message under way. `loop` is the thread, `members` who is there, `talk` who says
what when, `counts` what comes of it; `isolated` asks a `child`, and in there the same loop runs.
"""
