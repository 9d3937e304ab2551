"""A Redis-like server, finished: what the course's last server looks like when all of it is there.

inline          words on a line, with quotes
protocol        requests cut out of a stream of bytes; replies made into bytes
store           keys and values, and when they expire
channels        publish and subscribe
greetings       what Redis's clients ask when they connect
commands        the table of commands
peer            one client, as the commands see it
redis_server    the server on plain epoll
redis_on_loop   the same on the loop of chapter 11
redis_on_streams  the same on asyncio's streams, to compare with
"""

from .redis_on_loop import redis_on_loop
from .redis_on_streams import redis_on_streams
from .redis_server import redis_server

__all__ = ["redis_on_loop", "redis_on_streams", "redis_server"]
