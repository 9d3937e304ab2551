"""The server of chapter 12 on the loop of chapter 11, as the chapter's text has it."""

from ..runtime import Loop, accept, readable, recv, sendall
from .ch12_server import answer, database, parse


def redis_on_loop(listener, stop):
    loop = Loop()
    table, ring = database()

    async def converse(sock):
        received = bytearray()
        requests = parse(received)
        try:
            while data := await recv(sock, 65536):
                received += data
                replies = []
                while (request := next(requests)) is not None:
                    replies.append(answer(table, sock, request))
                await sendall(sock, b"".join(replies))
        except (OSError, ValueError):
            pass  # a reset, or a false length: this client's end
        finally:
            sock.close()

    async def welcome():
        while True:
            loop.spawn(converse(await accept(listener)))

    async def main():
        loop.spawn(welcome())
        await readable(stop)

    loop.run(main())
