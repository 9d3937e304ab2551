"""Every link within the project leads somewhere; those that lead out are listed, and never fetched."""

from pathlib import Path

import links
import nbformat
import pytest

README = """# A project

[a page](book/page.md), [its heading](book/page.md#what-it-says-and-why), [a folder](book), [here](#a-project)
<picture><source srcset="book/dark.png 2x, book/light.png"><img src="book/light.png" alt=""></picture>

| table |
|---|
| [a chapter](notebooks/01_one.ipynb) |

    [code](is/no/link.md)

[a man page](https://man7.org/linux/man-pages/man7/epoll.7.html#NOTES), <https://example.org>
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a small project, all of whose links are good."""
    for folder in ("book", "notebooks/pictures"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("book/dark.png", "book/light.png", "notebooks/pictures/01.svg"):
        (tmp_path / name).touch()
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "book/page.md").write_text('## What it says, and *why*\n\n<a href="../README.md">up</a>\n')
    chapter(tmp_path, "# One\n\n[below](#For-the-curious) ![a drawing](pictures/01.svg)", "## For the curious")
    return tmp_path


def chapter(project: Path, *cells: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(cell) for cell in cells])
    nbformat.write(notebook, project / "notebooks/01_one.ipynb")


def check(project: Path, capsys: pytest.CaptureFixture) -> list[str]:
    status = links.main(["check", "--folder", str(project)])
    lines = capsys.readouterr().err.splitlines()
    assert status == (1 if lines else 0)
    return lines


@pytest.mark.slow  # `make quick` runs the same check, before its tests
def test_every_link_of_the_project_leads_somewhere(capsys: pytest.CaptureFixture) -> None:
    assert check(links.ROOT, capsys) == []


def test_good_links(project: Path, capsys: pytest.CaptureFixture) -> None:
    assert check(project, capsys) == []


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("[gone](book/gone.md)", "README.md: book/gone.md leads to no file"),
        ("![gone](gone.png)", "README.md: gone.png leads to no file"),
        ('<img src="gone.png" alt="">', "README.md: gone.png leads to no file"),
        ('<source srcset="book/dark.png, gone.png 2x">', "README.md: gone.png leads to no file"),
        ("[![gone](gone.png)](book/page.md)", "README.md: gone.png leads to no file"),
        ("[no heading](book/page.md#what)", "README.md: book/page.md#what leads to no heading"),
        ("[capitals](#A-project)", "README.md: #A-project leads to no heading; there is #a-project"),
    ],
)
def test_a_link_that_leads_nowhere(project: Path, capsys: pytest.CaptureFixture, link: str, complaint: str) -> None:
    (project / "README.md").write_text(README + "\n" + link + "\n")
    assert check(project, capsys) == [complaint]


def test_a_chapter_links_only_to_what_a_learners_copy_holds(project: Path, capsys: pytest.CaptureFixture) -> None:
    chapter(project, "[the package](../README.md)", "[capitals](#for-the-curious)", "## For the curious")
    outside, heading = check(project, capsys)
    assert "../README.md is outside a learner's copy" in outside
    assert heading.endswith("leads to no heading; there is #For-the-curious")


def test_outer_links_are_listed_with_their_pages(project: Path, capsys: pytest.CaptureFixture) -> None:
    (project / "book/page.md").write_text("## What it says, and why\n\n[the same](https://example.org)\n")
    assert links.main(["list", "--folder", str(project)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        *("https://example.org", "    README.md", "    book/page.md"),
        *("https://man7.org/linux/man-pages/man7/epoll.7.html", "    README.md"),
    ]
