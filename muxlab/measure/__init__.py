"""Experiments: each runs a protocol on this machine and returns rows, one for each setting.

`wait_cost` and `pass_cost` clock the ways of waiting alone, `chain_cost` a chain of messages, `echo_cost` and
`churn_cost` whole servers. `slow_reader` clocks nothing: it follows the bytes of a client that does not read. Nor do
`herd` and `one_epoll`: they count who wakes up, where several processes or threads wait for the same thing. `slope`
tells how a cost grows, and `published` what others have measured. `real_redis` runs the real Redis, and
`redis_benchmark` its clients; `redis_share` compares a server with it. `real_servers` lets nginx, Redis, asyncio and
yours answer the same clients, and looks at their system calls. `all_cores` lets a crowd grow to a hundred thousand on a
server in several processes, after a `crowd_plan`; `doubt_about_memory`
tells when the machine was too busy to weigh it. `on_a_ring` runs what needs io_uring, or tells what it came to.
"""

from ..programs import MissingProgram
from . import published
from .ascent import AllCores, all_cores, doubt_about_memory
from .chain import ChainCost, chain_cost
from .churn import ChurnCost, churn_cost
from .herd import Herd, herd
from .one_epoll import OneEpoll, one_epoll
from .plans import CrowdPlan, crowd_plan
from .real_redis import BenchmarkRow, real_redis, redis_benchmark
from .real_servers import Glimpse, real_servers, recorded
from .redis_share import RedisShare, redis_share
from .ring_results import on_a_ring, ring_here
from .rows import Row, Rows, Slope, read_csv, slope
from .servers import EchoCost, echo_cost
from .slow_reader import Moment, slow_reader
from .waits import PassCost, WaitCost, pass_cost, wait_cost

__all__ = [
    "AllCores",
    "BenchmarkRow",
    "ChainCost",
    "ChurnCost",
    "CrowdPlan",
    "EchoCost",
    "Glimpse",
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
    "all_cores",
    "chain_cost",
    "churn_cost",
    "crowd_plan",
    "doubt_about_memory",
    "echo_cost",
    "herd",
    "on_a_ring",
    "one_epoll",
    "pass_cost",
    "published",
    "read_csv",
    "real_redis",
    "real_servers",
    "recorded",
    "redis_benchmark",
    "redis_share",
    "ring_here",
    "slope",
    "slow_reader",
    "wait_cost",
]
