"""tools/notebooks.py: the normal form is a fixed point, cells are generated right, each refusal can fail."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

SCRIPT = Path(__file__).resolve().parent.parent / "tools/notebooks.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("notebooks_tool", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code(source, *outputs, count=7, tags=()):
    return new_code_cell(source, outputs=list(outputs), execution_count=count, metadata={"tags": list(tags)})


def prose(source, *tags):
    return new_markdown_cell(source, metadata={"tags": list(tags)})


def write(folder, name, *cells):
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


@pytest.fixture
def course(tmp_path):
    """Return a folder with three tiny chapters, as their authors wrote them."""
    write(tmp_path, "00_start_here", prose("# Start here\n\nSee it live."), code("1 + 1"))
    write(tmp_path, "01_wait", prose("# 1. Wait\n\nWait for many,\nnot for one.\n\nMore."), code("x = 1"))
    write(tmp_path, "02_write", prose("# Write"), prose("Never stall."), code("x = 2"))
    return tmp_path


def faults(tool, folder, name):
    chapters = sorted(folder.glob("*.ipynb"))
    return tool.faults(folder / f"{name}.ipynb", chapters)


def test_tidy_makes_a_form_that_check_accepts_and_tidy_keeps(tool, course, capsys):
    assert tool.main(["check", "--folder", str(course)]) == 1
    assert tool.main(["tidy", "--folder", str(course)]) == 0
    once = {path.name: path.read_text() for path in course.glob("*.ipynb")}
    assert tool.main(["--check", "--folder", str(course)]) == 0
    assert tool.main(["tidy", "--folder", str(course)]) == 0
    assert {path.name: path.read_text() for path in course.glob("*.ipynb")} == once


def test_normal_form_drops_what_differs_between_runs(tool):
    widget = "application/vnd.jupyter.widget-view+json"
    traceback = ["\x1b[31mFile /somewhere/else/lab.py:3, in serve()\x1b[0m", 'File "/some/where/x.py", line 1']
    notebook = new_notebook(metadata={"widgets": {}, "kernelspec": {"name": "mine", "display_name": "Mine"}})
    notebook.cells = [
        code("a", new_output("stream", name="stdout", text="1\n"), new_output("stream", name="stdout", text="2\n")),
        code("a", new_output("display_data", {"text/plain": "V", widget: {}}, metadata={"needs_background": "light"})),
        code("b", new_output("error", ename="E", evalue="v", traceback=traceback), tags=["raises-exception"]),
        code("never run", count=None),
    ]
    notebook.cells[0].metadata["execution"] = {"iopub.status.busy": "now"}
    first, second, third, last = tool.normalise(notebook).cells
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}
    assert (first.metadata, third.metadata) == ({}, {"tags": ["raises-exception"]})
    assert [output.text for output in first.outputs] == ["1\n2\n"]
    assert (second.outputs[0].data, second.outputs[0].metadata) == ({"text/plain": "V"}, {})
    assert third.outputs[0].traceback == ["File lab.py:3, in serve()", 'File "x.py", line 1']
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3, None]
    assert second.id == f"{first.id}-2" != last.id


def test_navigation_is_generated(tool, course):
    tool.main(["tidy", "--folder", str(course)])
    first, second, third = (tool.read(path).cells for path in sorted(course.glob("*.ipynb")))
    assert first[-1].source == "Next: [1 · Wait](01_wait.ipynb)"
    assert second[-1].source.split(" | ") == [
        "Previous: [0 · Start here](00_start_here.ipynb)",
        "[Contents](00_start_here.ipynb)",
        "Next: [2 · Write](02_write.ipynb)",
    ]
    assert third[-1].source == "Previous: [1 · Wait](01_wait.ipynb) | [Contents](00_start_here.ipynb)"


def test_a_new_chapter_makes_the_one_before_it_stale(tool, course):
    tool.main(["tidy", "--folder", str(course)])
    write(course, "03_end", prose("# End\n\nEnd well."), code("x = 3"))
    stale = ["its navigation is stale; run `tools/notebooks.py tidy`"]
    assert faults(tool, course, "00_start_here") == faults(tool, course, "01_wait") == []
    assert faults(tool, course, "02_write") == stale


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ([code("x", count=None)], "code cell 1 was never run"),
        ([code("x", new_output("error", ename="OSError", evalue="", traceback=[]))], "stored with OSError, without"),
        ([code("x", tags=["nbval-ignore-output"]), code("y")], "1 of 2 code cells are not compared"),
        ([code("# NBVAL_SKIP\nx"), code("y")], "1 of 2 code cells are not compared"),
        ([code("x", new_output("stream", text="see /Users/ann/x"))], "path of the machine it ran on: /Users/ann/x"),
        ([code("x", new_output("stream", text=f"see {SCRIPT}"))], "path of the machine it ran on"),
    ],
)
def test_check_refuses(tool, course, cells, fault):
    write(course, "01_wait", prose("# Wait\n\nWait."), *cells)
    tool.main(["tidy", "--folder", str(course)])
    (found,) = faults(tool, course, "01_wait")
    assert fault in found


def test_check_refuses_another_form(tool, course):
    tool.main(["tidy", "--folder", str(course)])
    path = course / "02_write.ipynb"
    path.write_text(path.read_text().replace('"execution_count": 1', '"execution_count": 4'))
    assert faults(tool, course, "02_write") == ["not in the normal form; run `tools/notebooks.py tidy`"]


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("Untitled", "# T\n\nP.", "Untitled.ipynb: a chapter is named NN_verb_phrase.ipynb"),
        ("03_end", "no heading", "03_end.ipynb: no `# Title` with a paragraph after it"),
        ("03_end", "# Title\n\n## Part", "03_end.ipynb: no `# Title` with a paragraph after it"),
    ],
)
def test_bad_names_and_headings_are_refused(tool, course, capsys, name, source, message):
    write(course, name, prose(source), code("x"))
    assert tool.main(["tidy", "--folder", str(course)]) == 1
    assert message in capsys.readouterr().err


def test_an_unknown_chapter_is_refused_with_the_numbers_there_are(tool, course, capsys):
    assert tool.main(["check", "07", "--folder", str(course)]) == 1
    assert capsys.readouterr().err == "no chapter 07; they are numbered 00 to 02\n"


def run(folder, *names):
    """Run chapters in a process of its own, because the kernel's client keeps sockets open in ours."""
    command = [sys.executable, str(SCRIPT), "run", *names, "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_run_stores_outputs_and_the_time_is_told(tool, course):
    result = run(course, "00")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("00_start_here.ipynb: ")
    cell = tool.read(course / "00_start_here.ipynb").cells[1]
    assert (cell.execution_count, cell.outputs[0].data) == (1, {"text/plain": "2"})


@pytest.mark.slow
def test_run_does_not_write_a_chapter_that_fails(course):
    path = write(course, "01_wait", prose("# Wait\n\nWait."), code("1 / 0"))
    before = path.read_text()
    result = run(course, "01")
    assert result.returncode == 1
    assert "01_wait.ipynb: did not run to the end, and was not written" in result.stderr
    assert "ZeroDivisionError" in result.stderr
    assert path.read_text() == before


def test_a_question_is_folded_and_so_is_what_is_tagged(tool):
    notebook = new_notebook(cells=[
        code("guess = muxlab.predict('Who?', ['a', 'b'])\nguess"),
        code("helper = 1", tags=["hide-input", "nbval-ignore-output"]),
        code("print('guess = muxlab.predict(')"),
        prose("words", "aside"),
    ])  # fmt: skip
    question, helper, plain, words = tool.normalise(notebook).cells
    assert question.metadata == {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}
    assert helper.metadata == {"jupyter": {"source_hidden": True}, "tags": ["hide-input", "nbval-ignore-output"]}
    assert (plain.metadata, words.metadata) == ({}, {"tags": ["aside"]})
    assert tool.text_of(tool.normalise(notebook)) == tool.text_of(notebook)


def test_many_bare_verdicts_are_a_fault(tool, course, capsys):
    output = new_output("stream", name="stdout", text="faster: True\nnumber 5\nfalse\nFalse \n" * 3)
    write(course, "01_wait", prose("# 1. Wait\n\nWait."), code("x = 1", output))
    tool.main(["tidy", "--folder", str(course)])
    tool.BARE_VERDICTS, before = 5, tool.BARE_VERDICTS
    try:
        assert tool.main(["check", "--folder", str(course)]) == 1
        assert "6 lines of output end in a bare True or False; at most 5 may" in capsys.readouterr().err
        tool.BARE_VERDICTS = 6
        assert tool.main(["check", "--folder", str(course)]) == 0
    finally:
        tool.BARE_VERDICTS = before


def test_a_picture_is_there_and_has_a_description(tool, course, capsys):
    write(
        course, "01_wait", prose("# 1. Wait\n\nWait."), prose("![Two clients](pictures/01.svg) ![ ](pictures/02.svg)")
    )
    tool.main(["tidy", "--folder", str(course)])
    assert tool.main(["check", "--folder", str(course)]) == 1
    told = capsys.readouterr().err
    assert "01_wait.ipynb: shows a picture that is not there: pictures/01.svg" in told
    assert "says nothing in place of the picture pictures/02.svg" in told
    assert "in place of the picture pictures/01.svg" not in told
    (course / "pictures").mkdir()
    for name in ("01", "02"):
        (course / f"pictures/{name}.svg").write_text("<svg/>")
    write(course, "01_wait", prose("# 1. Wait\n\nWait."), prose("![Two\nclients](pictures/01.svg)"))
    tool.main(["tidy", "--folder", str(course)])
    assert tool.main(["check", "--folder", str(course)]) == 0


def test_every_chapter_has_its_drawing(tool):
    for path in sorted((SCRIPT.parent.parent / "notebooks").glob("*.ipynb")):
        text = "".join(cell.source for cell in tool.read(path).cells if cell.cell_type == "markdown")
        assert [picture for _, picture in tool.PICTURE.findall(text)] == [f"pictures/{path.name[:2]}.svg"]
