# `make` lists the targets. All of them use .venv, which is made when it is first needed.
# PYTHON=...    the Python to make .venv with (default: the newest one found)
# CHAPTERS=...  for `make notebooks`: chapters by number or name, for example CHAPTERS="03 05" (default: all)
# LAB_ARGS=...  for `make lab`: more options for JupyterLab, for example LAB_ARGS=--no-browser

PYTHON ?=
CHAPTERS ?=
LAB_ARGS ?=
PY := .venv/bin/python

.PHONY: help .venv lab test notebooks bench clean rebuild

help:
	@echo "make .venv      make the Python environment and nothing else"
	@echo "make lab        open the course in JupyterLab"
	@echo "make test       check the code and the chapters, and run all tests"
	@echo "make notebooks  run all chapters and rewrite them with their outputs"
	@echo "make bench      run all benchmarks and print their tables (takes some minutes)"
	@echo "make clean      remove the environment and the caches"

.venv: .venv/.complete

# The file .complete is written last: an environment left half-made is made again, and so is one whose Python is gone.
.venv/.complete: pyproject.toml $(if $(wildcard $(PY)),,rebuild)
	@sh tools/make_venv.sh "$(PYTHON)"

# JupyterLab refuses to run as root without --allow-root. It keeps its token, and listens on the loopback address only.
lab: .venv/.complete
	$(PY) -m jupyterlab notebooks/00_start_here.ipynb --ServerApp.ip=127.0.0.1 \
		$$(test "$$(id -u)" -ne 0 || echo --allow-root) $(LAB_ARGS)

# The chapters measure, so they run one after the other, with the machine to themselves. Most tests only wait, so two
# files of them run at a time; with more, the browsers would slow each other down.
test: .venv/.complete
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) tools/notebooks.py check
	$(PY) -m pytest --nbval notebooks
	$(PY) -m pytest --numprocesses=2 --dist=loadfile tests

notebooks: .venv/.complete
	$(PY) tools/notebooks.py run $(CHAPTERS)

bench: .venv/.complete
	@$(PY) benchmarks/all.py

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
