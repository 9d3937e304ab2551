# `make` lists the targets. All of them use .venv, which is made when it is first needed.
# PYTHON=...    the Python to make .venv with (default: the newest one found)
# CHAPTERS=...  for `make notebooks`: chapters by number or name, for example CHAPTERS="03 05" (default: all)
# NAME=...      for `make chapter`: the new chapter, for example NAME=15_read_without_copying
# OLDEST_PYTHON=...  for `make test-oldest`: a Python 3.11, the oldest that the project allows (default: python3.11)
# LAB_ARGS=...  for `make lab`: options of `muxlab lab`, for example LAB_ARGS="--fresh 05" or LAB_ARGS=--no-browser

PYTHON ?=
CHAPTERS ?=
NAME ?=
OLDEST_PYTHON ?= python3.11
LAB_ARGS ?=
PY := .venv/bin/python
OLDEST := .venv-oldest/bin/python
OLDEST_WARNINGS := -W ignore::DeprecationWarning -W ignore::PendingDeprecationWarning
TWO_AT_A_TIME := --numprocesses=2 --dist=loadfile
# Only chapters need nbval, and each process of a run takes two seconds to load it.
WITHOUT_NBVAL := -p no:nbval --override-ini="addopts=-ra --strict-markers --strict-config"

# The tests start hundreds of Python processes. Where modules are not kept compiled, each compiles the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help .venv lab quick test test-oldest check links chapter notebooks pictures book axe bench clean rebuild

help:
	@echo "make .venv      make the Python environment and nothing else"
	@echo "make lab        open the course in JupyterLab, as a copy of your own in my-course/"
	@echo "make quick      check the code and the form of the chapters, and run the tests that are quick (about a minute)"
	@echo "make test       check the same, run and compare all chapters, and run all tests"
	@echo "make test-oldest  run the quick tests and two chapters with the oldest Python and packages that are allowed"
	@echo "make chapter NAME=15_verb_phrase  start a new chapter, from a template that runs"
	@echo "make links      check the links between pages, and list those that lead out (none is fetched)"
	@echo "make notebooks  run all chapters and rewrite them with their outputs"
	@echo "make pictures   make the pictures of the chapters and of the README again"
	@echo "make book       build the course as a website, book/_build/html/index.html"
	@echo "make axe        fetch axe-core by npm, with which tests look at pages as a screen reader does"
	@echo "make bench      run all benchmarks and print their tables (about ten minutes)"
	@echo "make clean      remove the environment and the caches"

.venv: .venv/.complete

# The file .complete is written last: an environment left half-made is made again, and so is one whose Python is gone.
.venv/.complete: pyproject.toml $(if $(wildcard $(PY)),,rebuild)
	@sh tools/make_venv.sh "$(PYTHON)"

# The copy has no outputs, so that no answer stands below its question; what you changed in it stays as it is.
lab: .venv/.complete
	@$(PY) -m muxlab lab my-course $(LAB_ARGS)

check: .venv/.complete
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) tools/notebooks.py check
	$(PY) -m tools.pictures check
	$(PY) tools/links.py check

# Three at a time: quick tests hold on a busy machine, too, and while one of them waits, the others go on. The two paths are
# not even read: that would load large libraries into each process.
quick: check
	$(PY) -m pytest --numprocesses=3 --dist=loadfile $(WITHOUT_NBVAL) -m "not slow and not battery" tests \
		--ignore=tests/browser --ignore=tests/test_notebook_tool.py

# Chapters compare counts and draw times, and most tests only wait, so two files run at a time. With three, what is
# counted while the machine is busy was wrong now and then.
test: check
	$(PY) -m pytest $(TWO_AT_A_TIME) --nbval notebooks
	$(PY) -m pytest $(TWO_AT_A_TIME) $(WITHOUT_NBVAL) tests

# An environment of its own, with the oldest versions that pyproject.toml allows; what those need in turn is new, and warns
# that the old are out of date. That is no fault of ours: here, such warnings are not errors.
test-oldest: .venv-oldest/.complete
	$(OLDEST) -m pytest --numprocesses=2 --dist=loadfile $(WITHOUT_NBVAL) $(OLDEST_WARNINGS) -m "not slow and not battery" \
		tests --ignore=tests/browser --ignore=tests/test_notebook_tool.py
	$(OLDEST) -m pytest $(OLDEST_WARNINGS) --nbval notebooks/03_*.ipynb notebooks/05_*.ipynb

.venv-oldest/.complete: pyproject.toml tools/oldest.py
	rm -rf .venv-oldest
	$(OLDEST_PYTHON) -m venv .venv-oldest
	$(OLDEST_PYTHON) tools/oldest.py > .venv-oldest/constraints.txt
	$(OLDEST) -m pip install --quiet --disable-pip-version-check --constraint .venv-oldest/constraints.txt --editable '.[test]'
	touch $@

links: .venv/.complete
	$(PY) tools/links.py check
	$(PY) tools/links.py list

chapter: .venv/.complete
	$(if $(NAME),,$(error say which chapter is new: make chapter NAME=15_read_without_copying))
	$(PY) tools/chapter.py $(NAME)

notebooks: .venv/.complete
	$(PY) tools/notebooks.py run $(CHAPTERS)

pictures: .venv/.complete
	$(PY) -m tools.pictures
	$(PY) -m tools.front_page

# axe-core looks for what a page lacks for a reader who does not see it, or uses no mouse. Tests run it where it is there.
axe: .axe/node_modules/axe-core/axe.min.js

.axe/node_modules/axe-core/axe.min.js:
	npm install --no-save --no-package-lock --no-audit --no-fund --prefix .axe axe-core@4

# Warnings are errors. Nothing is run but the panels, whose recordings play in the book.
book: .venv/.complete
	$(PY) -m book

bench: .venv/.complete
	@$(PY) benchmarks/all.py

clean:
	rm -rf .venv .venv-oldest build dist .axe book/_build *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
