"""The picture of the stepper in the README, taken anew in JupyterLab."""

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Lab, NotebookPage
from PIL import Image

from tools.front_page import panel

pytestmark = pytest.mark.browser


def test_the_stepper_is_photographed_at_the_moment_that_the_readme_tells_of(
    lab: Lab, open_notebook: Callable[[str], NotebookPage], tmp_path: Path
) -> None:
    notebook = open_notebook(panel.write_notebook(lab))
    light, dark = panel.photograph(notebook, tmp_path)
    assert notebook.cell_errors() == []
    shown = notebook.page.locator(panel.PANEL).inner_text()
    assert "Paused before line 5" in shown
    assert "= [client 2], [], []" in shown  # select has named client 2
    assert "5 bytes" in shown  # and nobody has read what it said
    with Image.open(light) as by_light, Image.open(dark) as by_dark:
        assert by_light.size == by_dark.size
        assert (
            min(by_light.convert("RGB").getpixel((40, 12))) > 200 > 60 > max(by_dark.convert("RGB").getpixel((40, 12)))
        )
