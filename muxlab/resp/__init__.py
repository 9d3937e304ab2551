"""A Redis-like server, finished: what the course's last server looks like when all of it is there.

inline          words on a line, with quotes
protocol        requests cut out of a stream of bytes; replies made into bytes
store           keys and values, and when they are to be forgotten
channels        publish and subscribe
greetings       what Redis's clients ask when they connect
commands        the table of commands
peer            one client, as the commands see it
redis_server    the server on plain epoll
"""

from .redis_server import redis_server

__all__ = ["redis_server"]
