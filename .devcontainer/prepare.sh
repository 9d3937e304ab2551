#!/usr/bin/env bash
# What the dev container runs once, when it is made: the programs that chapters 12 and 13 look at, and the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

apt-get update
# RUNLEVEL=1: the programs alone; no nginx or Redis is started in the background
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    strace nginx redis-server redis-tools chromium

make .venv PYTHON=python3
.venv/bin/python -m muxlab doctor
echo "Ready: 'make lab' opens the course; in VS Code, open a chapter and choose the kernel .venv/bin/python."
