# Every target makes .venv when there is none and touches it again only when pyproject.toml or constraints.txt change.
#
#   make demo    backtest, sweep and live replay of two real indices, and whether they agree
#   make test    the quick tests, examples of the documents included
#   make check   format, lint, types, floors, tests
#   make slow    every test, 500 examples for each law, hundreds of killed runs
#   make bench   the benchmarks; make bench ONLY=name for one
#   make costs   what each feature costs a row, for the catalogue in the site
#   make docs    the site, into site/
#   make clean   all that was made here, .venv included

SHELL := /bin/sh
.SHELLFLAGS := -ec
.DEFAULT_GOAL := help
.PHONY: help demo test check style slow bench costs docs clean

PY := .venv/bin/python
WORKERS ?= 2
PINS := $(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)
RIGHT := import sys; raise SystemExit(sys.version_info < (3, 11))

help:
	@sed -n 's/^#   //p' Makefile

demo: .venv/pins-$(PINS)
	@$(PY) -m live.demo

test: .venv/pins-$(PINS)-test
	@$(PY) -m backtest compile --catalog
	$(PY) -m pytest -q -n $(WORKERS) -m "not slow" $(ARGS)

check: style test

style: .venv/pins-$(PINS)-check
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

slow: .venv/pins-$(PINS)-test
	@$(PY) -m backtest compile --catalog
	HYPOTHESIS_PROFILE=slow $(PY) -m pytest -q -n $(WORKERS) $(ARGS)

bench: .venv/pins-$(PINS)
	$(PY) -m benchmarks $(ONLY)

costs: .venv/pins-$(PINS)
	$(PY) -m benchmarks.costs

docs: .venv/pins-$(PINS)-docs
	$(PY) -m mkdocs build --strict --quiet
	@echo "docs: site/index.html"

clean:
	rm -rf .venv build site sessions .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info tearsheet*.html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# .venv/pins-PINS for the default install, .venv/pins-PINS-EXTRA for one extra.
.venv/pins-$(PINS):
	@$(call install,.)
	@touch $@

.venv/pins-$(PINS)-%:
	@$(call install,.[$*])
	@touch .venv/pins-$(PINS) $@

define install
	for name in python3.11 python3 python3.12 python3.13; do \
		if $$name -c '$(RIGHT)' 2>/dev/null; then found=$$name; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
		there=$$(python3 --version 2>/dev/null || echo none); \
		echo "This needs Python 3.11 or newer as python3.11 or python3; found: $$there"; \
		exit 1; \
	fi; \
	test -x $(PY) || { echo "making .venv with $$($$found --version)"; $$found -m venv .venv; }; \
	echo "installing $(1) and what it needs into .venv (once, about a minute)"; \
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(1)'
endef
