"""The article's claims: each worded once, printed with the verdict, and not hidden when it came out otherwise."""

import json
import re
from pathlib import Path

import pytest

import muxlab
from muxlab.course.claims import CLAIMS, FALSE, LIMITED, TRUE

CHAPTERS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def test_a_claim_that_is_borne_out_is_printed_with_its_verdict(capsys):
    muxlab.article({9: True})
    out = " ".join(capsys.readouterr().out.split())
    assert out == f"9. {CLAIMS[9].words} True within limits. {CLAIMS[9].why}"


def test_a_claim_that_came_out_otherwise_says_so(capsys):
    muxlab.article({1: True, 4: False})
    before, after = capsys.readouterr().out.split("4. ")
    assert "otherwise" not in before
    assert "On this machine, just now, it came out otherwise" in after


def test_every_line_fits_the_page(capsys):
    muxlab.article(dict.fromkeys(CLAIMS, False))
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_every_claim_has_one_of_three_verdicts():
    assert {claim.verdict for claim in CLAIMS.values()} == {TRUE, LIMITED, FALSE}
    assert [*CLAIMS] == [*range(1, 13)]


def test_bad_evidence_is_refused(capsys):
    with pytest.raises(ValueError, match="no claim 13; the claims are numbered 1 to 12"):
        muxlab.article({1: True, 13: True})
    with pytest.raises(TypeError, match=r"claim 4: the evidence is 5\.5"):
        muxlab.article({4: 5.5})
    assert capsys.readouterr().out == ""


def test_expect_is_silent_about_what_holds_and_tells_the_rest(capsys):
    muxlab.expect({"one is less than two": True})
    assert capsys.readouterr().out == ""
    muxlab.expect({"one is less than two": True, "three is less than two": False})
    assert capsys.readouterr().out.startswith("Not so on this machine just now: three is less than two. Run")
    with pytest.raises(TypeError, match="expect takes"):
        muxlab.expect({"a number": 5.5})


def test_chapters_test_the_claims_that_the_table_names():
    tested = {number: set() for number in CLAIMS}
    for path in CHAPTERS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for source in ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"):
            if found := re.search(r"^muxlab\.article\((.*)\)", source, re.MULTILINE | re.DOTALL):
                for number in re.findall(r"(\d+): ", found[1]):
                    tested[int(number)].add(int(path.name[:2]))
    assert tested == {number: set(claim.chapters) for number, claim in CLAIMS.items()}
