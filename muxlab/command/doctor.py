"""`muxlab doctor`: what this machine allows."""

import argparse

from .. import doctor


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "doctor",
        help="show what this machine allows",
        description="Show what this machine allows, and what that means for the course. Nothing is changed or sent.",
    )
    command.set_defaults(command=lambda options: print(doctor()))
