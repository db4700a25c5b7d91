# Everything a person types. CI calls the same targets.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
STORE ?= folder
SCALE ?= 0
KILLS ?= 100
JOBS ?= 3
N ?= 1000
SEED ?= 7
EVENTS ?= 20000
ROUNDS ?= 5
COMPARE ?=
RUN := .venv/bin
UV_VERSION := 0.13.9

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' Makefile

setup: .venv/.ready ## Make .venv from the lock file (other targets do it by themselves)

demo: .venv/.ready ## The whole job on simulated chats into ./demo (STORE=azurite for a local Azurite, SCALE=n for more chats)
	@$(RUN)/chatledger demo --store $(STORE) --scale $(SCALE)

test: .venv/.ready ## The whole test suite against real servers (JOBS=3 at a time: most wait for servers)
	@$(RUN)/python -m pytest -n $(JOBS) --dist loadscope

test-long: .venv/.ready ## What make test leaves out: large files whole, every way in which a worker can die
	@$(RUN)/python -m pytest -m long

chaos: .venv/.ready ## Kill and stop everything while chats go on, then look for what is missing (KILLS=100 SEED=7 EVENTS=20000)
	@$(RUN)/python -m tests.chaos --kills $(KILLS) --seed $(SEED) --events $(EVENTS) --out chaos.json

fuzz: .venv/.ready ## Hand over hostile answers of the sources and hostile records, then look where each ended (N=1000 SEED=7)
	@$(RUN)/python -m tests.fuzz --n $(N) --seed $(SEED) --out fuzz.json

bench: .venv/.ready ## CPU, rate and memory beside what people would write instead, into bench.json (ROUNDS=5; COMPARE=file shows the change)
	@$(RUN)/python -m tests.bench --rounds $(ROUNDS) --out bench.json $(if $(COMPARE),--compare $(COMPARE))

bench-check: .venv/.ready ## Whether we became dearer relative to those programs (nightly: some minutes)
	@$(RUN)/python -m tests.bench.guard

check: .venv/.ready ## Lint, formatting, types, import contract, lock file, dead code
	@echo "ruff check" && $(RUN)/ruff check .
	@echo "ruff format" && $(RUN)/ruff format --check .
	@echo "mypy --strict" && $(RUN)/mypy
	@echo "import contract" && $(RUN)/lint-imports
	@echo "lock file" && $$(cat .venv/.uv) lock --check
	@echo "dead code" && $(RUN)/vulture
	@echo "generated docs" && $(RUN)/python -m tests.generated --check

docs: .venv/.ready ## Write the generated pages anew (docs/topics.md)
	@$(RUN)/python -m tests.generated

fmt: .venv/.ready ## Format the code
	@$(RUN)/ruff format . && $(RUN)/ruff check --fix .

clean: ## Remove what the targets above have made
	@rm -rf .venv .uv demo chaos.json fuzz.json bench.json .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "chatledger needs Python 3.11 or newer as $(PYTHON); install it, or name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@uv=$$(command -v uv); case "$$($$uv --version 2>/dev/null)" in "uv $(UV_VERSION)"*) ;; *) uv=.uv/bin/uv;; esac; \
	if [ "$$uv" = .uv/bin/uv ] && ! [ -x .uv/bin/uv ]; then \
	  echo "Fetching uv $(UV_VERSION) into .uv ..." >&2; \
	  $(PYTHON) -m venv .uv || { echo "python3 -m venv does not work here; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; \
	  .uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || \
	    { echo "could not fetch uv from PyPI; is there a network, or a proxy to configure for pip?" >&2; exit 1; }; \
	fi; \
	echo "Making .venv from uv.lock ..." >&2; \
	$$uv sync --quiet --locked --all-extras --python $(PYTHON) && echo "$$uv" > .venv/.uv && touch .venv/.ready

.PHONY: help setup demo test test-long chaos fuzz bench bench-check check docs fmt clean
