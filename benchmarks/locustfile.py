"""A user of Locust who talks to an echo server: locust -f locustfile.py --host 127.0.0.1:7788 (see chapter 13)."""

import socket
import time

from locust import User, constant, task


class EchoUser(User):
    wait_time = constant(1)  # seconds from a reply to the next message

    def on_start(self):
        host, port = self.host.split(":")
        self.sock = socket.create_connection((host, int(port)))

    @task
    def echo(self):
        began = time.perf_counter()
        self.sock.sendall(b"hello")
        reply = self.sock.recv(5)
        self.environment.events.request.fire(
            request_type="TCP",
            name="echo",
            response_time=(time.perf_counter() - began) * 1000,
            response_length=len(reply),
            exception=None if reply == b"hello" else ValueError(f"got {reply!r}"),
        )

    def on_stop(self):
        self.sock.close()
