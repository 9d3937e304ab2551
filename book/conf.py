"""Sphinx's configuration. The source that it reads is put together by site.py, from the notebooks and the pages."""

import muxlab

project = "muxlab"
author = "the muxlab authors"
copyright = "the muxlab authors"
version = release = muxlab.__version__
language = "en"

extensions = ["myst_nb", "book.fold"]
nb_execution_mode = "off"  # the outputs are those that the notebooks store
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "attrs_block"]

templates_path = ["templates"]
html_theme = "sphinx_book_theme"
html_title = "muxlab"
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is, until the button says otherwise
html_css_files = ["panels.css", "book.css"]
html_js_files = ["questions.js", "book.js"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "home_page_in_toc": False,
    "use_download_button": False,  # a notebook alone lacks its pictures; `muxlab lab` has all of them
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "navbar_persistent": [],
    "show_navbar_depth": 1,
    "pygments_dark_style": "a11y-dark",  # the colours that book.css gives to the course's own outputs
    "navigation_with_keys": False,  # the arrow keys belong to the recordings
    "toc_title": "On this page",
    "search_bar_text": "Search the course",
}
