#!/bin/sh
# Make .venv: the Python environment of the course. Usage: sh tools/make_venv.sh [PYTHON]
# At the end there is either a complete .venv, with the file .venv/.complete, or none.
set -eu

fail() {
    echo "muxlab: $1" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

[ ! -L .venv ] || fail ".venv is a link to another environment, which would be emptied; remove the link (rm .venv), and run the same command again."

python=${1:-}
if [ -n "$python" ]; then
    new_enough "$python" || fail "PYTHON=$python is not a Python 3.11 or newer that runs here; name another one, or leave PYTHON out."
else
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        if new_enough "$candidate"; then
            python=$candidate
            break
        fi
    done
    [ -n "$python" ] || fail "no Python 3.11 or newer was found; install one (Debian: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3."
fi

no_venv="$python cannot make a virtual environment, because its venv or ensurepip module is missing; install it (Debian: apt install python3-venv), or name another Python: make PYTHON=/path/to/python3."
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$no_venv"

trap 'rm -rf .venv' EXIT
trap 'exit 1' HUP INT TERM
echo "Making .venv with $("$python" --version); this takes a minute or two."
"$python" -m venv --clear .venv || fail "$no_venv"
.venv/bin/python tools/pip_progress.py --editable '.[test]' ||
    fail "pip could not install the packages (its reason is above); run the same command again to retry."
touch .venv/.complete
trap - EXIT
