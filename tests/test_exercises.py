"""Exercises: an untouched answer gets a friendly line, wrong ones fail, the solution passes, and hints go in steps."""

import inspect
import json
import linecache
from pathlib import Path

import pytest
from answers import WRONG_ANSWERS, Checked, pasted
from exercise_answers import WRONG

import muxlab
from muxlab.course import EXERCISES
from muxlab.trials import Verdict, runner

ROOT = Path(__file__).resolve().parent.parent
GIVEN = [name for name, exercise in EXERCISES.items() if exercise.broken or exercise.start]
AS_IT_WAS = {
    "repair": "this is the broken server as it was",
    "extend": "this is still the server that you start from",
    "write": "the server is still empty",
}


@pytest.fixture
def fresh(monkeypatch):
    """Take back all hints that were told."""
    for exercise in EXERCISES.values():
        monkeypatch.setattr(exercise, "told", 0)


# ---- the list


def test_every_chapter_has_one_to_write_and_one_to_repair():
    kinds = {(exercise.chapter, exercise.broken is not None) for exercise in EXERCISES.values()}
    assert {(chapter, repair) for chapter in ("01", "02", "03", "05", "06") for repair in (False, True)} <= kinds


def test_exercises_ask_for_trials_that_there_are():
    for exercise in EXERCISES.values():
        assert set(exercise.trials) <= {*runner.TRIALS, *runner.ON_REQUEST}, exercise.name


def test_an_unknown_name_lists_all_by_chapter():
    with pytest.raises(ValueError) as found:
        muxlab.exercise("poling-echo")
    assert "no exercise 'poling-echo'" in str(found.value)
    assert "chapter 02: polling-echo, misspelt" in str(found.value)
    assert all(name in str(found.value) for name in EXERCISES)


def test_an_exercise_is_always_the_same_object():
    assert muxlab.exercise("misspelt") is muxlab.exercise("misspelt")


# ---- nothing to check yet


def docstring_only(listener, stop):
    """An echo server."""


def dots(listener, stop):
    """An echo server."""
    # here
    ...  # noqa: PIE790


def nothing(listener):
    pass


def planned(listener, stop):
    raise NotImplementedError("soon")


def comes_back(listener, stop):
    return None


EMPTY = [docstring_only, dots, nothing, planned, comes_back, None, ..., "my_server", 7]


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("fn", EMPTY, ids=lambda fn: getattr(fn, "__name__", repr(fn)))
def test_an_untouched_answer_gets_one_friendly_line(monkeypatch, name, fn):
    monkeypatch.setattr(runner, "check", None)  # no trial is run
    answer = muxlab.exercise(name).check(fn)
    assert not answer.passed and answer.trials == [] and answer.report is None
    assert str(answer).startswith(f"{name}: ") and "\n" not in str(answer)
    assert f'muxlab.exercise("{name}").hint()' in str(answer)
    assert repr(answer) == str(answer)


@pytest.fixture
def run_cell(monkeypatch):
    """Run source as a notebook does; its lines are forgotten afterwards."""
    monkeypatch.setattr(linecache, "cache", dict(linecache.cache))
    return pasted


def kind(exercise):
    """What there is to do: the last word of its title."""
    return exercise.title.split()[-1]


def program(exercise):
    """The given server as a notebook has it: by itself, or with the functions that it is made of."""
    given = exercise.broken or exercise.start
    if not exercise.pieces:
        return inspect.getsource(given)
    of_all = given.__globals__.values()
    file = given.__code__.co_filename
    functions = [one for one in of_all if inspect.isfunction(one) and one.__code__.co_filename == file]
    return "\n\n".join(map(inspect.getsource, sorted(functions, key=lambda one: one is not given)))


@pytest.mark.parametrize("name", GIVEN)
def test_the_given_server_as_it_was_is_untouched(run_cell, name):
    """Written into a notebook: another file, other line numbers, another name, a docstring."""
    exercise = EXERCISES[name]
    given = exercise.broken or exercise.start
    head, body = program(exercise).split("\n", 1)
    head = head.replace(given.__name__, "given")
    pasted = run_cell(f'\n\n\n{head}\n    """Mend me."""  # a comment\n{body}')
    assert exercise.unattempted(pasted) == AS_IT_WAS[kind(exercise)]
    assert str(exercise.check(pasted)).split(". ")[1] == f"{kind(exercise).capitalize()} it, and run the cell again"


def test_one_word_more_is_an_attempt(run_cell):
    source = inspect.getsource(EXERCISES["picky"].broken)
    assert EXERCISES["picky"].unattempted(run_cell(source))
    assert not EXERCISES["picky"].unattempted(run_cell(source.replace("==", "&"), "<cell 2>"))


@pytest.mark.parametrize("name", GIVEN)
def test_an_answer_is_not_taken_for_the_given_server(name):
    assert EXERCISES[name].unattempted(EXERCISES[name].functions[0]) == ""
    assert [fn for fn, _ in WRONG[name] if EXERCISES[name].unattempted(fn)] == []


def test_servers_that_are_no_plain_functions_are_checked():
    class Echo:
        def __call__(self, listener, stop):
            muxlab.SERVERS["epoll"](listener, stop)

    def inside(listener, stop):
        server(listener, stop)

    server = muxlab.SERVERS["epoll"]
    assert muxlab.exercise("epoll-echo").unattempted(Echo()) == ""
    assert muxlab.exercise("epoll-echo").unattempted(inside) == ""


def test_a_function_of_something_else_is_refused():
    with pytest.raises(TypeError, match="listener"):
        muxlab.exercise("polling-echo").check(lambda a, b, c: print(a, b, c))


# ---- answers


def test_every_exercise_has_three_wrong_answers():
    assert {name for name in EXERCISES if len(WRONG.get(name, [])) < 3} == set()


@pytest.fixture
def checked(outcome):
    """What came of the answer that the test asks for."""
    trials, *others = outcome
    return Checked([Verdict(*fields) for fields in trials], *others)


def with_check(answers):
    """Names of answers, each with the check that its test asks for."""
    return [pytest.param(answer, marks=pytest.mark.ahead("answers:check", answer)) for answer in answers]


@pytest.mark.battery
@pytest.mark.parametrize("answer", with_check(WRONG_ANSWERS))
def test_a_wrong_answer_fails(checked: Checked, answer: str):
    _, _, trial = WRONG_ANSWERS[answer]
    assert [one.name for one in checked.trials if one.passed is False] == [trial]
    assert not checked.passed
    assert "not yet" in checked.text and "solved" not in checked.text


@pytest.mark.battery
@pytest.mark.parametrize("answer", with_check(EXERCISES))
def test_the_solution_passes(checked: Checked, answer: str):
    """Pasted into an empty notebook, as a learner sees it."""
    assert [trial for trial in checked.trials if trial.passed is not True] == []
    assert checked.passed and "solved" in checked.text


def test_a_solution_says_why_before_its_source():
    for exercise in EXERCISES.values():
        assert str(exercise.solution()) == f"{exercise.why}\n\n{exercise.solution().source}"


# ---- hints, and how it all looks


@pytest.mark.parametrize("name", EXERCISES)
def test_hints_go_in_steps_and_the_last_one_points_to_the_solution(fresh, name):
    exercise = muxlab.exercise(name)
    steps = [str(exercise.hint()) for _ in exercise.hints]
    assert len(set(steps)) == len(steps) >= 3
    assert steps[0].startswith(f"Hint 1 of {len(steps)}. ")
    assert [f'muxlab.exercise("{name}").solution()' in step for step in steps] == [False] * (len(steps) - 1) + [True]
    assert str(exercise.hint()) == steps[-1]


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_says_what_it_is_about_and_what_to_call(fresh, name):
    """In text that is the same before and after a hint: nbval compares it."""
    exercise = muxlab.exercise(name)
    before = repr(exercise)
    assert " ".join(exercise.about.split()) in " ".join(before.split())
    assert f"the next of {len(exercise.hints)} hints" in before
    for call in (f"check({exercise.answer})", "hint()", f"solution({exercise.answer})"):
        assert f'muxlab.exercise("{name}").{call}' in before
    exercise.hint()
    assert repr(exercise) == str(exercise) == before


def test_without_a_notebook_there_are_no_buttons():
    shown = muxlab.exercise("picky")._repr_mimebundle_()
    assert list(shown) == ["text/plain", "text/html"]
    assert "<code>" in shown["text/html"] and "`" not in shown["text/html"]


def test_a_solution_is_compared_with_an_answer_that_is_like_it():
    exercise = muxlab.exercise("ghost")
    assert "--- yours\n+++ ours\n" in str(exercise.solution(exercise.broken))
    assert "+                    poll.unregister(fd)\n" in str(exercise.solution(exercise.broken))
    page = exercise.solution(exercise.broken)._repr_html_()
    assert page.count("<ins ") == 1 and "<del " not in page
    for other in (None, "text", planned, muxlab.SERVERS["epoll"], exercise.functions[0]):
        page = exercise.solution(other)._repr_html_()
        assert "<ins " not in page and "<del " not in page and "---" not in str(exercise.solution(other))


def test_a_solution_is_highlighted_and_its_lines_are_not_broken():
    page = muxlab.exercise("restless").solution()._repr_html_()
    assert '<span class="tok-nf">restless_server</span>' in page and "white-space: pre;" in page
    assert "<code>select</code> returned at once" in page and "`" not in page.partition("</style>")[2]


NASTY = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Nasty:
    """Not callable, and shown as markup."""

    def __repr__(self):
        return NASTY


def test_what_comes_from_the_learner_is_escaped():
    exercise = muxlab.exercise("polling-echo")

    def fails(listener, stop):
        raise ValueError(NASTY)

    fails.__name__ = NASTY
    for answer in (exercise.check(NASTY), exercise.check(Nasty()), exercise.check(fails)):
        assert "&lt;img" in answer._repr_html_()
        assert "<script" not in answer._repr_html_() and "<img" not in answer._repr_html_()


# ---- the notebooks


def cells():
    """Yield (chapter, name of the exercise, source) of each cell that checks one."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            source = "".join(cell["source"])
            for name in EXERCISES:
                if cell["cell_type"] == "code" and f'muxlab.exercise("{name}").check(' in source:
                    yield path.stem[:2], name, source


@pytest.mark.parametrize(("chapter", "name", "source"), list(cells()), ids=lambda part: part[:20])
def test_a_cell_of_a_chapter_is_untouched(run_cell, chapter, name, source):
    answer = source.rsplit("\n\n\n", 1)[0]  # without the line that checks it
    if EXERCISES[name].pieces:  # the rest of the server stands elsewhere in the chapter
        answer = f"{program(EXERCISES[name])}\n\n{answer}"
    fn = run_cell(answer)
    assert chapter == EXERCISES[name].chapter
    assert fn.__name__ == EXERCISES[name].answer
    assert EXERCISES[name].unattempted(fn) == AS_IT_WAS[kind(EXERCISES[name])]


def test_a_chapter_with_exercises_has_all_of_them():
    there = {(chapter, name) for chapter, name, _ in cells()}
    wanted = {(exercise.chapter, name) for name, exercise in EXERCISES.items()}
    assert there == {(chapter, name) for chapter, name in wanted if chapter in {chapter for chapter, _ in there}}
