"""A look inside a running server: the calls that it makes, and the kernel's tables about it.

kernel     the x-ray: queues, readiness, interest lists
socket_table  the same of another process: its connections and their queues
calls      what is kept of a call: an event, a count, and how they read
tap        the place where each call is made, counted and kept
stand_ins  the waits whose calls go through the tap, and all stand-ins together
socket_stand_in  the socket whose calls do
ring_stand_in  the ring whose one call does
tracing    any program's calls, through strace, which runs beside it
target     what can be traced, and why strace cannot begin
strace, strace_text, strace_calls  its lines; what they say; what that means for a server
watched_before  whom an epoll watched before strace came
rebind     the way to give the stand-ins to one function, and to no other
"""
