# The only door. Each target is one to three lines; what is longer lives in tools/ and bench/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup system build demo test lint lint-python lint-rust format unit e2e bench bench-server soak dist requirements prompts docs clean

export PATH := $(CURDIR)/.venv/bin:$(HOME)/.cargo/bin:$(PATH)
ARGS ?=
FIGURE ?= all

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: system .venv/.ready build ## install what it needs and build it

system:
	@tools/system

.venv/.ready: requirements/dev.txt pyproject.toml
	python3 -m venv .venv && pip install --quiet --require-hashes -r requirements/dev.txt
	pip install --quiet --no-deps --no-build-isolation --editable . && touch $@

build:
	cargo build --release --locked -p hotline-switch -p hotline-phone

demo: setup ## a sample company with virtual callers; your own softphone may call (ARGS="--for 30s --no-board")
	hotline demo $(ARGS)

test: setup lint unit e2e ## everything that proves the product

lint: lint-python lint-rust ## formatting, types and the fence

lint-python: .venv/.ready
	ruff check . && ruff format --check .
	mypy && lint-imports

lint-rust:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked --quiet -- -D warnings

format: .venv/.ready ## put all code into its standard form
	ruff check --fix --select I . && ruff format . && cargo fmt --all

unit: .venv/.ready ## Rust tests, then Python tests without phones
	cargo test --workspace --locked --quiet
	pytest -n 2 --ignore tests/e2e $(ARGS)

e2e: build .venv/.ready ## real processes and real phones
	pytest tests/e2e $(ARGS)

bench: build .venv/.ready ## measure beside the floor of the same run (FIGURE=hold|bridge|record|setup|free|flood|strangers|memory|timing)
	$(MAKE) -s -C bench && python -m bench $(FIGURE)

bench-server: build .venv/.ready ## the bench company, for tools of your own (SIP_PORT, OPS_PORT)
	@exec python -m bench.server

soak: build .venv/.ready ## an hour of mixed calls; fails on any leak (MINUTES=60)
	$(MAKE) -s -C bench && python -m bench.soak

dist: .venv/.ready ## both wheels into dist/
	cargo build --release --locked -p hotline-phone && install -D target/release/hotline-phone crates/switch/wheel.data/scripts/hotline-phone
	maturin build --release --locked --quiet --manifest-path crates/switch/Cargo.toml --out dist
	uv build --quiet --wheel --no-build-isolation --out-dir dist

requirements: .venv/.ready ## lock the Python packages again after a change in pyproject.toml
	uv pip compile -q pyproject.toml $(LOCK) -o requirements/run.txt && uv pip compile -q pyproject.toml --group dev $(LOCK) -o requirements/dev.txt
LOCK := --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-package hotline-switch --no-header

prompts: .venv/.ready ## render the prompt pack again (needs the voices that the script names)
	python tools/prompts.py $(ARGS)

docs: .venv/.ready ## write the generated pages of docs/reference again
	python tools/reference.py

clean: ## throw away what was built
	rm -rf target .venv dist build crates/switch/wheel.data && $(MAKE) -s -C bench clean
