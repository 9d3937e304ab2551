"""Run the chapters and keep them in one normal form.

    notebooks.py run   [CHAPTER ...]   run each chapter in a fresh kernel and rewrite it with its outputs
    notebooks.py tidy  [CHAPTER ...]   rewrite each chapter without running it: normal form, navigation
    notebooks.py check [CHAPTER ...]   run and write nothing; exit with 1 and a line for each fault (also: --check)

CHAPTER is a number (03), a name (03_wait_with_select) or a path; the default is all chapters. The last cell of every
chapter is generated: it is tagged `navigation`. The source of a cell tagged `hide-input` is folded; a question gets
this tag by itself. The first chapter shows the map of the course: a new title, promise or time shows when it is run.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from muxlab.journal import contents
from muxlab.lab.chapters import chapters_in, choose

ROOT = Path(__file__).resolve().parent.parent
CELL_TIMEOUT = 60  # seconds, as in the tests
CHAPTER_SECONDS = 20  # longer is too long for Run All
LOOSE_SHARE = 0.4  # of a chapter's code cells, at most, may go without comparison
LOOSE_TAGS = {"nbval-ignore-output", "nbval-skip"}
FOLDED = "hide-input"  # the tag that Sphinx and MyST fold by; JupyterLab folds by `source_hidden`
PICTURE = re.compile(r"!\[(.*?)\]\((?!https?:)([^)\s]+)\)", re.DOTALL)
BARE_VERDICTS = 10  # lines of output that end in True or False, at most, in all chapters together
OWN_PATHS = "|".join(re.escape(str(path)) for path in (Path.home(), ROOT, Path(tempfile.gettempdir())))
MACHINE_PATHS = re.compile(rf"(?<![\w/.-])(?:/home|/Users|{OWN_PATHS})/[^\s\"'\\]+|(?<!\S)\S*site-packages")


def tags(cell: NotebookNode) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.metadata.get("tags", []))


def normal_output(output: NotebookNode, count: int | None) -> NotebookNode:
    """Return an output without anything that differs between machines or runs; `count` numbers its cell."""
    output.pop("transient", None)
    if output.output_type == "execute_result":
        output.execution_count = count
    if "data" in output:
        output.data.pop("application/vnd.jupyter.widget-view+json", None)  # refers to a kernel that is gone
        output.metadata = NotebookNode()
    if output.output_type == "error":
        plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in output.traceback]
        output.traceback = [re.sub(r"(File \"?)[^\s\"]*/", r"\1", line) for line in plain]
    return output


def normal_outputs(cell: NotebookNode) -> list[NotebookNode]:
    """Return the outputs of a code cell in normal form, with the pieces of each stream joined."""
    outputs: list[NotebookNode] = []
    for output in cell.outputs:
        last = outputs[-1] if outputs else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            outputs.append(normal_output(output, cell.execution_count))
    return outputs


def normal_metadata(cell: NotebookNode) -> NotebookNode:
    """Return the metadata that a cell keeps: its tags, and whether its source is folded."""
    kept = tags(cell)
    if cell.cell_type == "code" and contents.QUESTION.search(cell.source):
        kept.add(FOLDED)  # what each choice stands for is the answer
    folded = {"jupyter": {"source_hidden": True}} if FOLDED in kept else {}
    return nbformat.from_dict(folded | ({"tags": sorted(kept)} if kept else {}))


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Bring a notebook into normal form, in place, and return it. A cell that was never run keeps no number."""
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: Counter[str] = Counter()
    count = 0
    for cell in notebook.cells:
        cell.metadata = normal_metadata(cell)
        name = contents.cell_id(cell.cell_type, cell.source)
        seen[name] += 1
        cell.id = name if seen[name] == 1 else f"{name}-{seen[name]}"
        if cell.cell_type == "code":
            if cell.execution_count is not None:
                count += 1
                cell.execution_count = count
            cell.outputs = normal_outputs(cell)
    nbformat.validate(notebook)
    return notebook


def bare_verdicts(notebook: NotebookNode) -> int:
    """Return how many lines of output end in a bare True or False, which hides from the reader how large a thing is."""
    texts = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum(line.rstrip().endswith(("True", "False")) for text in texts for line in text.splitlines())


def text_of(notebook: NotebookNode) -> str:
    """Return a notebook as the text to be stored."""
    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


def read(path: Path) -> NotebookNode:
    """Return the notebook stored at `path`."""
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def link(path: Path) -> str:
    """Return a markdown link to a chapter, with its number and title."""
    chapter = contents.read(path)
    return f"[{chapter.number} · {chapter.title}]({path.name})"


def navigation(path: Path, chapters: list[Path]) -> str:
    """Return the text of a chapter's last cell: links to the previous chapter, the contents and the next chapter."""
    place = chapters.index(path)
    parts = [f"Previous: {link(chapters[place - 1])}", f"[Contents]({chapters[0].name})"] if place else []
    if place + 1 < len(chapters):
        parts.append(f"Next: {link(chapters[place + 1])}")
    return " | ".join(parts)


def generate(notebook: NotebookNode, path: Path, chapters: list[Path]) -> NotebookNode:
    """Write the generated cell into a notebook, in place, and return it."""
    notebook.cells = [cell for cell in notebook.cells if "navigation" not in tags(cell)]
    if len(chapters) > 1:
        cell = nbformat.v4.new_markdown_cell(navigation(path, chapters))
        cell.metadata["tags"] = ["navigation"]
        notebook.cells.append(cell)
    return notebook


def faults(path: Path, chapters: list[Path]) -> list[str]:
    """Return the faults of a stored chapter, one line for each. Runs and writes nothing."""
    raw = path.read_text(encoding="utf-8")
    notebook = read(path)
    found = []
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    for number, cell in enumerate(cells, 1):
        if cell.execution_count is None:
            found.append(f"code cell {number} was never run, so its output would not be compared")
        if "raises-exception" not in tags(cell):
            errors = [output.ename for output in cell.outputs if output.output_type == "error"]
            found += [f"code cell {number} is stored with {name}, without the tag raises-exception" for name in errors]
    loose = sum(bool(tags(cell) & LOOSE_TAGS) or "# NBVAL_" in cell.source for cell in cells)
    if loose > LOOSE_SHARE * len(cells):
        found.append(f"{loose} of {len(cells)} code cells are not compared; at most {LOOSE_SHARE:.0%} may be")
    for cell in notebook.cells:
        for description, picture in PICTURE.findall(cell.source if cell.cell_type == "markdown" else ""):
            if not (path.parent / picture).is_file():
                found.append(f"shows a picture that is not there: {picture}")
            if not description.strip():
                found.append(f"says nothing in place of the picture {picture} to those who cannot see it")
    found += [f"holds a path of the machine it ran on: {hit}" for hit in sorted(set(MACHINE_PATHS.findall(raw)))]
    normal = text_of(normalise(notebook))
    if normal != raw:
        found.append("not in the normal form; run `tools/notebooks.py tidy`")
    if text_of(normalise(generate(notebook, path, chapters))) != normal:
        found.append("its navigation is stale; run `tools/notebooks.py tidy`")
    return found


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run all cells in a fresh kernel whose working directory is `folder`. Raises what nbclient raises.

    MUXLAB_FULL asks the chapters for their full sizes; tests and a first reading take smaller ones.
    """
    NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--log-level=40"],  # hides the notice that the TCP connection to the kernel is not encrypted
        resources={"metadata": {"path": str(folder)}},
    ).execute(env=os.environ | {"MUXLAB_FULL": "1"})


def rewrite(path: Path, chapters: list[Path], run: bool) -> list[str]:
    """Rewrite a chapter in normal form, after running it if `run`. Return its failures; then nothing is written."""
    notebook = generate(read(path), path, chapters)
    start = time.perf_counter()
    if run:
        try:
            execute(notebook, path.parent)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            return [f"did not run to the end, and was not written: {error}"]
        seconds = time.perf_counter() - start
        print(f"{path.name}: {seconds:.1f} s" + (f", more than {CHAPTER_SECONDS} s" * (seconds > CHAPTER_SECONDS)))
    path.write_text(text_of(normalise(notebook)), encoding="utf-8")
    return []


def main(arguments: list[str] | None = None) -> int:
    """Run the command line, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["run", "tidy", "check"])
    parser.add_argument("chapter", nargs="*")
    parser.add_argument("--folder", type=Path, default=ROOT / "notebooks", help="folder of the chapters")
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(["check" if argument == "--check" else argument for argument in arguments])

    folder = options.folder.resolve()
    notebooks, chapters = sorted(folder.glob("*.ipynb")), chapters_in(folder)
    failed = [f"{path.name}: a chapter is named NN_verb_phrase.ipynb" for path in notebooks if path not in chapters]
    if options.command == "check" and (bare := sum(bare_verdicts(read(path)) for path in chapters)) > BARE_VERDICTS:
        failed.append(f"{bare} lines of output end in a bare True or False; at most {BARE_VERDICTS} may: print numbers")
    try:
        for path in choose(options.chapter, chapters) or chapters:
            check = options.command == "check"
            found = faults(path, chapters) if check else rewrite(path, chapters, options.command == "run")
            failed += [f"{path.name}: {fault}" for fault in found]
    except ValueError as error:
        failed.append(str(error))
    print(*failed, sep="\n", end="\n" if failed else "", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
