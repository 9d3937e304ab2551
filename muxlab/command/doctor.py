"""`muxlab doctor`: what this machine allows."""

import argparse

from .. import doctor


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    command = commands.add_parser("doctor", help="tell what this machine allows")
    command.set_defaults(command=lambda options: print(doctor()))
