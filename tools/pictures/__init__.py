"""The pictures of the chapters: SVG files, drawn by these functions in the colours of the course."""

from collections.abc import Callable

from .all_at_once import (
    high_water,
    level_and_edge,
    map_of_crowds,
    notes_and_lists,
    three_endings,
    two_queues_before_accept,
)
from .beyond import three_ways_beyond
from .kit import Sheet
from .messages import borders_in_a_stream
from .one_by_one import bitmap_with_an_end, everybody_is_asked, one_blocks_the_other, path_of_a_byte, who_is_who
from .own_loop import tasks_and_a_loop
from .verdicts import what_follows

PICTURES: dict[str, Callable[[], Sheet]] = {
    "00": who_is_who,
    "01": one_blocks_the_other,
    "02": everybody_is_asked,
    "03": path_of_a_byte,
    "04": bitmap_with_an_end,
    "05": notes_and_lists,
    "06": level_and_edge,
    "07": high_water,
    "08": three_endings,
    "09": two_queues_before_accept,
    "10": map_of_crowds,
    "11": tasks_and_a_loop,
    "12": borders_in_a_stream,
    "13": three_ways_beyond,
    "14": what_follows,
}
"""The function that draws the picture of each chapter, by the chapter's number."""
