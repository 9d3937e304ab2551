"""The review of the article: its programs and their bugs, in our own words, and verdicts that experiments decide.

    verdicts = muxlab.review.Verdicts()
    verdicts.claim(1, {"accept raised BlockingIOError": raised == "BlockingIOError"})
    verdicts.claims                           # the table of what was judged so far
    print(muxlab.review.PROGRAMS["epoll"])    # one of the article's servers, as its difference from a good one

programs   the article's three servers, and versions of them with a single bug each
bugs       the twelve bugs, each worded once
verdicts   what was found about claims and bugs, and the two tables
"""

from .bugs import BUGS
from .programs import PROGRAMS, WITHOUT_EXCEPT
from .verdicts import Verdicts

__all__ = ["BUGS", "PROGRAMS", "WITHOUT_EXCEPT", "Verdicts"]
