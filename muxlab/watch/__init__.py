"""A look inside a running server: the calls that it makes, and the kernel's tables about it.

kernel     the x-ray: queues, readiness, interest lists
tap        the place where each call is made, counted and kept
stand_ins  the sockets and waits whose calls go through the tap
ring_stand_in  the ring whose one call does
rebind     the way to give the stand-ins to one function, and to no other
"""
