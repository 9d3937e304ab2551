"""Look inside a running server: the calls that it makes, and the kernel's tables about it.

tap        where each call is made, counted and kept
stand_ins  the sockets and waits whose calls go through the tap
rebind     gives one function the stand-ins, and nobody else
kernel     the x-ray: queues, readiness, interest lists
"""
