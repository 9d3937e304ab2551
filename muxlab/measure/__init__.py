"""Experiments: each runs a protocol on this machine and returns rows, one for each setting.

`wait_cost` and `pass_cost` clock the ways of waiting alone, `chain_cost` a chain of messages, `echo_cost` and
`churn_cost` whole servers. `slow_reader` clocks nothing: it follows the bytes of a client that does not read. `slope`
tells how a cost grows, and `published` what others have measured. `real_redis` runs the real Redis, and
`redis_benchmark` its clients; `redis_share` compares a server with it. `real_servers` has
nginx, Redis, asyncio and yours answer the same clients, and looks at their system calls.
"""

from ..programs import MissingProgram
from . import published
from .chain import ChainCost, chain_cost
from .real_redis import BenchmarkRow, real_redis, redis_benchmark
from .real_servers import Glimpse, real_servers, recorded
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
    "Glimpse",
    "MissingProgram",
    "Moment",
    "PassCost",
    "RedisShare",
    "Row",
    "Rows",
    "Slope",
    "WaitCost",
    "chain_cost",
    "churn_cost",
    "echo_cost",
    "pass_cost",
    "published",
    "read_csv",
    "real_redis",
    "real_servers",
    "recorded",
    "redis_benchmark",
    "redis_share",
    "slope",
    "slow_reader",
    "wait_cost",
]
