"""Experiments: each runs a protocol on this machine and returns rows, one for each setting.

`wait_cost` and `pass_cost` clock the ways of waiting alone, `chain_cost` a chain of messages, `echo_cost` and
`churn_cost` whole servers. `slow_reader` clocks nothing: it follows the bytes of a client that does not read. `slope`
tells how a cost grows, and `published` what others have measured.
"""

from . import published
from .chain import ChainCost, chain_cost
from .rows import Row, Rows, Slope, read_csv, slope
from .servers import ChurnCost, EchoCost, churn_cost, echo_cost
from .slow_reader import Moment, slow_reader
from .waits import PassCost, WaitCost, pass_cost, wait_cost

__all__ = [
    "ChainCost",
    "ChurnCost",
    "EchoCost",
    "Moment",
    "PassCost",
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
    "slope",
    "slow_reader",
    "wait_cost",
]
