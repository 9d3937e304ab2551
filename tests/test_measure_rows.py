"""The results of experiments: rows that can be written as text, the slope of a line, published measurements."""

import math
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from muxlab.measure import ChainCost, ChurnCost, EchoCost, PassCost, Rows, WaitCost, published, read_csv, slope

WAIT = WaitCost("poll", 100, 1, 12.5, low=12.0, high=13.25, repeats=400, machine='a "fast", old one; Linux')
ROWS = [
    WAIT,
    WaitCost("epoll", 10, 2, 0.1 + 0.2, machine="of a book"),
    PassCost("select", 10, 1, 3.5, low=3.0, high=4.0, repeats=9, machine="m"),
    ChainCost("epoll", 10, 1, 100, 320.0, low=319.0, high=321.0, repeats=25, machine="m"),
    ChainCost("epoll", 10, 1, None, 88.0, machine="published"),
    ChurnCost("my_server", 5, 64, 1000, 41.0, low=40.0, high=43.0, repeats=50, machine="m"),
    EchoCost("epoll", 5, 1, 64, 3000, 12000.0, 9.5, 2e-5, 4e-5, low=9.0, high=10.0, repeats=5, machine="m"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_rows_come_back_from_csv_as_they_were(row, tmp_path):
    rows = Rows([row, row])
    text = rows.to_csv(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == text == rows.to_csv()
    assert text.splitlines()[0].split(",")[:2] == [row.form.name, row.form.size]
    assert read_csv(tmp_path / "rows.csv", type(row)) == rows


def test_rows_of_two_experiments_stay_together_and_are_written():
    rows = Rows([WAIT]) + Rows([ROWS[1]])
    assert len(rows.to_csv().splitlines()) == 3
    assert Rows().to_csv() == ""


def test_two_kinds_of_rows_do_not_go_into_one_file():
    with pytest.raises(ValueError, match="PassCost and WaitCost have different columns"):
        Rows([WAIT, ROWS[2]]).to_csv()


def test_a_file_of_another_kind_is_refused(tmp_path):
    Rows([WAIT]).to_csv(tmp_path / "waits.csv")
    with pytest.raises(ValueError, match="holds no ChainCost"):
        read_csv(tmp_path / "waits.csv", ChainCost)


# ---- slope


def line(exponent, sizes=(10, 30, 100, 300, 1000), noise=0.0):
    chance = random.Random(1)
    return [WaitCost("poll", n, 1, 3 * n**exponent * math.exp(chance.gauss(0, noise))) for n in sizes]


@pytest.mark.parametrize("exponent", [-0.5, 0, 0.5, 1, 2])
def test_the_slope_of_a_power_is_its_exponent(exponent):
    found = slope(line(exponent))
    assert found.exponent == pytest.approx(exponent, abs=1e-9)
    assert found.uncertainty == pytest.approx(0, abs=1e-6)


def test_the_uncertainty_is_that_of_the_textbook():
    """Worked by hand: x = 0, 1, 2 and y = 0, 1, 1 in powers of e have the slope 1/2, with an error of 1/sqrt(12)."""
    rows = [WaitCost("poll", math.exp(x), 1, math.exp(y)) for x, y in ((0, 0), (1, 1), (2, 1))]
    assert slope(rows) == pytest.approx((0.5, 1 / math.sqrt(12)))


def test_the_truth_lies_within_a_few_uncertainties():
    found = slope(line(1, sizes=range(1, 100), noise=0.1))
    assert 0 < found.uncertainty < 0.02
    assert abs(found.exponent - 1) < 4 * found.uncertainty
    assert str(found) == f"{found.exponent:.2f} ± {found.uncertainty:.2f}"


def test_two_points_have_a_slope_and_no_uncertainty():
    found = slope(line(1, sizes=(10, 100)))
    assert found.exponent == pytest.approx(1)
    assert math.isnan(found.uncertainty)


def test_rows_of_ones_own_have_a_slope_too():
    @dataclass
    class Own:
        server: str
        connections: int
        cpu_us_per_reply: float

    assert slope([Own("mine", n, 2.0 * n) for n in (1, 10, 100)]).exponent == pytest.approx(1)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "two sizes"),
        ([WAIT, WAIT], "two sizes"),
        ([*line(1), ROWS[1]], "epoll, poll"),
        ([WAIT, WaitCost("poll", 10, 1, 0.0)], "above zero"),
        ([WAIT, WaitCost("poll", 10, 1, math.inf)], "above zero"),
    ],
)
def test_what_has_no_slope_is_refused(rows, says):
    with pytest.raises(ValueError, match=says):
        slope(rows)


# ---- published


@pytest.mark.parametrize("source", ["tlpi2010", "lca2006"])
def test_kerrisks_table(source):
    rows = published.waits(source)
    assert {(row.model, row.watched) for row in rows} == {
        (model, watched) for model in ("select", "poll", "epoll") for watched in (10, 100, 1000, 10_000)
    }
    assert all("Kerrisk" in row.machine and row.ready == 1 and row.repeats is None for row in rows)


def test_a_figure_of_the_book():
    """990 seconds for 100,000 waits are 9.9 ms each."""
    (row,) = [row for row in published.waits() if (row.model, row.watched) == ("poll", 10_000)]
    assert row.us_per_wait == pytest.approx(9900)


@pytest.mark.parametrize("machine", ["12800H", "11400F"])
@pytest.mark.parametrize(("active", "writes"), [(1, None), (100, 1000)])
def test_the_chains(machine, active, writes):
    rows = published.chain(active, machine)
    assert {row.model for row in rows} == {"select", "poll", "epoll"}
    assert min(row.pairs for row in rows) >= active and max(row.pairs for row in rows) >= 32768
    assert {(row.active, row.writes) for row in rows} == {(active, writes)}


def test_published_shapes_are_those_that_the_course_claims():
    for rows in (published.waits(), published.chain()):
        found = {model: slope([row for row in rows if row.model == model]) for model in ("select", "poll", "epoll")}
        assert found["select"].exponent > 0.8 and found["poll"].exponent > 0.8
        assert abs(found["epoll"].exponent) < 0.1


def test_the_profile_of_2004():
    shares = published.profile()
    assert shares["select"] == {"select/poll": 13.33}
    assert shares["epoll_level"] == {"epoll_ctl": 16.34, "epoll_wait": 7.15}


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: published.waits("tlpi"), "lca2006 and tlpi2010"),
        (lambda: published.chain(active=2), "1 and 100"),
        (lambda: published.chain(active="1"), "1 and 100"),
        (lambda: published.chain(machine="M1"), "11400F and 12800H"),
    ],
)
def test_what_nobody_published_is_refused(ask, says):
    with pytest.raises(ValueError, match=says):
        ask()


def test_every_published_file_names_its_source():
    files = sorted(Path(published.__file__).parent.glob("*.csv"))
    assert len(files) == 4
    assert all(file.read_text().startswith("# ") for file in files)
