"""Experiments: each runs a protocol on this machine and returns rows, one for each setting."""

from .echo import EchoCost, echo_cost

__all__ = ["EchoCost", "echo_cost"]
