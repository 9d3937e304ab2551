"""Everything that draws: charts that stand still, panels that move.

The only part of muxlab that imports matplotlib, ipywidgets and anywidget; `muxlab.show` itself is imported when it is
first used. Panels and charts bear the name of their module, so all are imported here: a module that is imported later
would hide its function.
"""

from muxlab.show.ascent import ascent
from muxlab.show.bars import replies
from muxlab.show.charts import beside, cost, round_trip
from muxlab.show.crowds import crowds
from muxlab.show.duel import duel
from muxlab.show.durations import durations
from muxlab.show.herd import shares, wake_ups
from muxlab.show.path import path
from muxlab.show.player import play
from muxlab.show.playground import playground
from muxlab.show.predict import predict
from muxlab.show.queues import queues
from muxlab.show.race import race
from muxlab.show.redis_share import redis_share
from muxlab.show.stepper import stepper
from muxlab.show.timeline import compare, timeline
from muxlab.show.winners import winners, winners_table

__all__ = [
    "ascent",
    "beside",
    "compare",
    "cost",
    "crowds",
    "duel",
    "durations",
    "path",
    "play",
    "playground",
    "predict",
    "queues",
    "race",
    "redis_share",
    "replies",
    "round_trip",
    "shares",
    "stepper",
    "timeline",
    "wake_ups",
    "winners",
    "winners_table",
]
