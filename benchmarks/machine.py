"""The date and the machine of a run."""

import datetime
import os

from muxlab.measure.protocol import machine as described


def machine() -> str:
    """Return date, processor, cores, kernel, Python and load, in one line; neither a host name nor a path."""
    return f"{datetime.date.today()}; {described()}; load average {os.getloadavg()[0]:.1f} at the start"
