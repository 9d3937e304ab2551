"""What a title says is made of the rows, and reads as English."""

import pytest

from muxlab.measure.rows import ECHO
from muxlab.show.findings import listed, rise, times_as, two_digits


@pytest.mark.parametrize(
    ("number", "text"), [(0.434, "0.43"), (1.0, "1"), (1.56, "1.6"), (9.97, "10"), (137.0, "140"), (1449, "1,400")]
)
def test_two_digits_say_something(number, text):
    assert two_digits(number) == text


def test_a_wobble_is_called_about_the_same():
    assert [times_as(factor) for factor in (0.81, 1.2, 1.3, 14.4)] == (
        ["about as much"] * 2 + ["1.3 times as much", "14 times as much"]
    )


def test_names_are_listed_as_in_english():
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def lines(**factors):
    return {name.replace("_", "-"): [(10, 2.0), (100, 2.0 * factor)] for name, factor in factors.items()}


def test_who_rises_alike_is_named_together_and_the_steepest_first():
    assert rise(ECHO, lines(epoll_edge=1.0, epoll=1.1, select=8.04, poll=8.01)) == (
        "With 10 times as many connections, a reply costs select and poll 8 times as much, "
        "and epoll and epoll-edge about as much as before"
    )


def test_of_many_the_first_and_the_last_are_named():
    said = rise(ECHO, lines(nonblocking=10, select=8, poll=6, epoll=1))
    assert said.endswith("costs nonblocking 10 times as much, and epoll about as much as before")


def test_what_has_no_common_sizes_is_not_compared():
    assert rise(ECHO, {"a": [(1, 1.0), (9, 2.0)], "b": [(2, 1.0), (8, 1.0)]}) == ECHO.title
    assert rise(ECHO, {"a": [(10, 1.0), (11, 2.0)]}) == ECHO.title
