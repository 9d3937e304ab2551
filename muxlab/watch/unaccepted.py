"""The receive queue of a connection that nobody has accepted: without a descriptor, it is asked for by its address."""

import socket
import struct
import sys

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1
"""How to ask about one socket: linux/netlink.h, linux/sock_diag.h."""

ESTABLISHED, CLOSE_WAIT = 1, 8
"""States of a connection whose client has not said its last byte yet, and has: linux/tcp_states.h."""


def unaccepted_queue(port: int, client_port: int) -> int | None:
    """Bytes that wait for a connection that nobody has accepted, and that has no descriptor to ask.

    Args:
        port: of the listener, on 127.0.0.1, and
        client_port: of the client, there too.

    Returns:
        The bytes; None when there is no such connection any more, or nobody to ask.

    Source: sock_diag(7), the request for one socket.
    """
    localhost = socket.inet_aton("127.0.0.1") + bytes(12)
    ends = struct.pack(">HH16s16s", port, client_port, localhost, localhost) + bytes(4) + b"\xff" * 8  # any interface
    request = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + ends  # in any state
    header = struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG) as diag:
            diag.sendto(header + request, (0, 0))
            reply = diag.recv(4096, socket.MSG_DONTWAIT)  # the answer was made while it was asked
    except (OSError, AttributeError):  # not allowed here, or not Linux
        return None
    answered, state = int.from_bytes(reply[4:6], sys.byteorder) == SOCK_DIAG_BY_FAMILY, reply[17]
    if not answered or state not in (ESTABLISHED, CLOSE_WAIT):  # the listener answers for a connection that is gone
        return None
    # The end of file takes a number in the sequence, and is no byte.
    return int.from_bytes(reply[72:76], sys.byteorder) - (state == CLOSE_WAIT)
