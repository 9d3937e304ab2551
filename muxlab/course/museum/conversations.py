"""The shortest conversation that breaks each exhibit, and what breaks in it.

Written by tools/museum_conversations.py, which looks for them; not by hand.
"""

# ruff: noqa: E501, as what a server says of itself is kept in one piece

from ...trials.conversation import Act, Break, Conversation

SHORTEST: dict[str, tuple[Conversation, Break]] = {
    "patient_server": (
        Conversation([[Act(1, "pours", many=5)]]),
        Break(2, "client 1 got part of an answer; 310,840 of 327,680 bytes came back"),
    ),
    "buggy_server": (Conversation([[Act(1, "closes")]]), Break(1, "the socket of a client that is gone is still open")),
    "restless_server": (
        Conversation([[Act(1, "closes")]]),
        Break(1, "the socket of a client that is gone is still open"),
    ),
    "ghost_server": (
        Conversation([[Act(1, "closes")]]),
        Break(1, "there is nothing to do, and the server takes all the CPU time that it gets"),
    ),
    "picky_server": (Conversation([[Act(1, "resets")]]), Break(1, "the socket of a client that is gone is still open")),
    "burst_server": (
        Conversation([[Act(1, "connects", many=1)]]),
        Break(1, "a client still waits in the accept queue"),
    ),
    "impatient_server": (
        Conversation([[Act(1, "pours", many=9)]]),
        Break(1, "a client does not read its reply, nothing else happens, and the server wakes again and again"),
    ),
    "heir_server": (
        Conversation([[Act(1, "pours", many=64)], [Act(1, "resets")], [Act(2, "says", b"hello\n")]]),
        Break(3, "client 2: the answer is wrong from byte 0 on: b'            ' instead of b'hello\\n'"),
    ),
    "lost_wakeup_server": (
        Conversation([[Act(1, "connects")]]),
        Break(2, "client 2 got no answer; 0 of 13 bytes came back"),
    ),
    "one_shot": (
        Conversation([[Act(1, "says", many=2)]]),
        Break(1, "client 1 got part of an answer; 65,536 of 131,072 bytes came back"),
    ),
    "articles_epoll_server": (
        Conversation([[Act(1, "resets")]]),
        Break(1, "the socket of a client that is gone is still open"),
    ),
    "one_at_a_time": (
        Conversation([[Act(1, "connects")]]),
        Break(2, "client 2 got no answer; 0 of 13 bytes came back"),
    ),
    "eight_at_a_time": (
        Conversation([[Act(1, "connects", many=7)]]),
        Break(2, "client 2 got no answer; 0 of 13 bytes came back"),
    ),
    "waits_for_the_rest_of_a_line": (
        Conversation([[Act(1, "says", b"hello"), Act(2, "resets")]]),
        Break(1, "the socket of a client that is gone is still open"),
    ),
    "dies_of_a_reset": (
        Conversation([[Act(1, "resets")]]),
        Break(
            1,
            "the server ended: ConnectionResetError: [Errno 104] Connection reset by peer, in line 14: unsent[conn] = conn.recv(65536)",
        ),
    ),
    "guards_recv_only": (
        Conversation([[Act(1, "says", many=1), Act(1, "resets")]]),
        Break(
            1,
            "the server ended: ConnectionResetError: [Errno 104] Connection reset by peer, in line 19: sent = conn.send(unsent[conn])",
        ),
    ),
    "knows_one_error": (
        Conversation([[Act(1, "says", many=2), Act(1, "closes")]]),
        Break(
            1, "the server ended: BrokenPipeError: [Errno 32] Broken pipe, in line 21: sent = conn.send(unsent[conn])"
        ),
    ),
    "blocking_sendall": (
        Conversation([[Act(1, "pours", many=9)], [Act(2, "connects")]]),
        Break(2, "a client still waits in the accept queue"),
    ),
    "drops_what_send_did_not_take": (
        Conversation([[Act(1, "pours", many=64)]]),
        Break(1, "the server holds 3,654,232 bytes for client 1, which reads nothing"),
    ),
    "drain_loop_on_a_blocking_socket": (
        Conversation([[Act(1, "connects")]]),
        Break(3, "the server did not return, and had to be ended by force"),
    ),
    "one_accept_for_each_edge": (
        Conversation([[Act(1, "connects", many=1)]]),
        Break(1, "a client still waits in the accept queue"),
    ),
    "one_recv_for_each_edge": (
        Conversation([[Act(1, "says", many=2)]]),
        Break(1, "client 1 got part of an answer; 65,536 of 131,072 bytes came back"),
    ),
    "four_recvs_for_each_edge": (
        Conversation([[Act(1, "says", many=5)]]),
        Break(1, "client 1 got part of an answer; 262,144 of 327,680 bytes came back"),
    ),
    "rests_after_each_event": (
        Conversation([[Act(1, "says", many=16)]]),
        Break(
            1,
            'the server slept in line 27: time.sleep(0.001)  # "so that the processor can rest" while somebody waited',
        ),
    ),
    "always_writable": (
        Conversation([[Act(1, "connects")]]),
        Break(1, "there is nothing to do, and the server takes all the CPU time that it gets"),
    ),
    "still_watches_for_bytes": (
        Conversation([[Act(1, "pours", many=64)]]),
        Break(1, "there is nothing to do, and the server takes all the CPU time that it gets"),
    ),
    "watches_for_the_end": (
        Conversation([[Act(1, "pours", many=9), Act(1, "half-closes")]]),
        Break(1, "there is nothing to do, and the server takes all the CPU time that it gets"),
    ),
    "stays_armed": (
        Conversation([[Act(1, "pours", many=64)]]),
        Break(2, "there is nothing to do, and the server takes all the CPU time that it gets"),
    ),
    "keeps_it_on_the_list": (
        Conversation([[Act(1, "pours", many=9)], [Act(1, "closes")]]),
        Break(2, "there is nothing to do, and the server takes all the CPU time that it gets"),
    ),
    "unregisters_after_close": (
        Conversation([[Act(1, "closes")]]),
        Break(1, "the server ended: OSError: [Errno 9] Bad file descriptor, in line 19: epoll.unregister(fd)"),
    ),
    "deaf_to_stop": (
        Conversation([[Act(1, "connects")]]),
        Break(3, "the server did not return, and had to be ended by force"),
    ),
    "repeats_the_tail": (
        Conversation([[Act(1, "says", b"hello\n")], [Act(1, "says", b"\n")]]),
        Break(2, "client 1: 7 of 7 bytes came back, and then b'ello\\n', which nobody had sent"),
    ),
    "reads_without_end": (
        Conversation([[Act(1, "pours", many=64)]]),
        Break(1, "the server holds 3,654,136 bytes for client 1, which reads nothing"),
    ),
    "too_generous": (
        Conversation([[Act(1, "pours", many=64)]]),
        Break(1, "the server holds 3,654,136 bytes for client 1, which reads nothing"),
    ),
    "leaves_before_the_end": (
        Conversation([[Act(1, "pours", many=9), Act(1, "half-closes")]]),
        Break(2, "client 1 got its connection closed; 540,168 of 589,824 bytes came back"),
    ),
    "remembers_by_descriptor": (
        Conversation([[Act(1, "pours", many=64)], [Act(1, "resets")], [Act(2, "says", b"hello\n")]]),
        Break(3, "client 2: the answer is wrong from byte 0 on: b'            ' instead of b'hello\\n'"),
    ),
    "asks_who_it_is": (
        Conversation([[Act(1, "resets")]]),
        Break(
            1,
            "the server ended: OSError: [Errno 107] Transport endpoint is not connected, in line 27: peer = client.sock.getpeername()  # for the log",
        ),
    ),
    "answers_in_quotes": (
        Conversation([[Act(1, "connects")]]),
        Break(2, "client 2: the answer is wrong from byte 0 on: b\"b'still ther\" instead of b'still there?'"),
    ),
    "one_recv_is_one_line": (
        Conversation([[Act(1, "says", b"\xe2")]]),
        Break(2, "client 1: the answer is wrong from byte 0 on: b'\\n' instead of b'\\xe2\\n'"),
    ),
    "first_line_only": (
        Conversation([[Act(1, "says", b"one\ntwo\n")]]),
        Break(1, "client 1 got part of an answer; 4 of 8 bytes came back"),
    ),
    "looks_at_the_last_byte": (
        Conversation([[Act(1, "closes")]]),
        Break(1, "the server ended: IndexError: index out of range, in line 15: if unsent[conn][-1] != 10:"),
    ),
    "reads_text": (
        Conversation([[Act(1, "says", b"\r\n")]]),
        Break(1, "client 1: the answer is wrong from byte 0 on: b'\\n' instead of b'\\r\\n'"),
    ),
    "decodes_what_it_reads": (
        Conversation([[Act(1, "says", b"\xe2")]]),
        Break(
            1,
            "the server ended: UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe2 in position 0: unexpected end of data, in line 14: unsent[conn] = conn.recv(65536).decode().encode()",
        ),
    ),
    "waits_for_the_last_reader": (
        Conversation([[Act(1, "connects")]]),
        Break(3, "the server did not return, and had to be ended by force"),
    ),
}
"""By the exhibits' names; those whose bug no conversation can show are missing (`labels.NOT_SHOWN` says why)."""
