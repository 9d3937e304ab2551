"""The oldest versions that pyproject.toml allows, as constraints for pip. `make test-oldest` tries them."""

import oldest
import pytest

PYPROJECT = """
[project]
name = "muxlab"
dependencies = ["redis>=5.0.1", "jupyterlab >=4.2,<5"]
[project.optional-dependencies]
book = ["sphinx>=8; python_version >= '3.11'"]
test = ["muxlab[book]", "coverage[toml]<8,>=7.1"]
"""


def test_every_requirement_has_its_oldest_version_alone() -> None:
    wanted = ["redis==5.0.1", "jupyterlab==4.2", "sphinx==8", "coverage==7.1"]
    assert [oldest.oldest(line) for line in oldest.requirements(PYPROJECT)] == wanted


@pytest.mark.parametrize("requirement", ["redis", "redis<6", "redis==5.0.1", "redis!=5.0.0", ""])
def test_a_requirement_without_an_oldest_version_is_refused(requirement: str) -> None:
    with pytest.raises(ValueError, match=r"say which version is the oldest, as in name>=1\.2"):
        oldest.oldest(requirement)


def test_the_project_says_of_everything_which_version_is_the_oldest(capsys: pytest.CaptureFixture) -> None:
    assert oldest.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 20 and "redis==5.0.1" in lines and not any(line.startswith("muxlab") for line in lines)
