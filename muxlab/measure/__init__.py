"""Experiments: each runs a protocol on this machine and returns rows, one for each setting.

`wait_cost` and `pass_cost` clock the ways of waiting alone, `chain_cost` a chain of messages, `echo_cost` and
`churn_cost` whole servers. `slow_reader` clocks nothing: it follows the bytes of a client that does not read. Nor do
`herd` and `one_epoll`: they count who wakes up, where several processes or threads wait for the same thing. `slope`
tells how a cost grows, and `published` what others have measured. `real_redis` runs the real Redis, and
`redis_benchmark` its clients; `redis_share` compares a server with it.
"""

from . import published
from .chain import ChainCost, chain_cost
from .herd import Herd, herd
from .one_epoll import OneEpoll, one_epoll
from .real_redis import BenchmarkRow, MissingProgram, real_redis, redis_benchmark
from .redis_share import RedisShare, redis_share
from .rows import Row, Rows, Slope, read_csv, slope
from .servers import ChurnCost, EchoCost, churn_cost, echo_cost
from .slow_reader import Moment, slow_reader
from .waits import PassCost, WaitCost, pass_cost, wait_cost

__all__ = [
    "BenchmarkRow",
    "ChainCost",
    "ChurnCost",
    "EchoCost",
    "Herd",
    "MissingProgram",
    "Moment",
    "OneEpoll",
    "PassCost",
    "RedisShare",
    "Row",
    "Rows",
    "Slope",
    "WaitCost",
    "chain_cost",
    "churn_cost",
    "echo_cost",
    "herd",
    "one_epoll",
    "pass_cost",
    "published",
    "read_csv",
    "real_redis",
    "redis_benchmark",
    "redis_share",
    "slope",
    "slow_reader",
    "wait_cost",
]
