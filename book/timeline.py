"""A timeline on a page: the stored chart itself, within the page, so that timeline.js can show its marks one by one."""

import re

from nbformat import NotebookNode

DRAWN = re.compile(r"\bmuxlab\.show\.(timeline|compare)\(")
ALL_SHAPES = re.compile(r'<style type="text/css">\*\{(.*?)\}</style>')  # would hold for the whole page


def is_timeline(cell: NotebookNode) -> bool:
    """Tell whether a cell draws timelines of calls, a mark for each; where time runs along, there are bars."""
    return bool(DRAWN.search(cell.source)) and "times=True" not in cell.source


def timeline_html(svg: str, name: str) -> str:
    """Return a chart for the page; all ids in it begin with `name`, as there are other charts in the page."""
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'((?:xlink:)?href="|url\()#', rf"\1#{name}-", svg)
    shapes = ALL_SHAPES.search(svg)
    svg = ALL_SHAPES.sub("", svg)
    if shapes:
        svg = svg.replace("<svg ", f'<svg style="{shapes[1]}" ', 1)
    return f'<div class="book-timeline">{svg}</div>'
