# Each target needs nothing but Python 3.11 or newer: it sets up what it needs, once.
# `make` or `make help` lists them. TORCH_INDEX=https://download.pytorch.org/whl/cpu takes the small
# build of torch on Linux.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := .demo
BENCH := .bench-venv
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)
# What pip would compile on one processor, and few programs import: it is compiled at its first use.
SELDOM := /(tests?|testing|torchgen|transformers/models)/
# Progress is for people: bars on a terminal, silence in a log.
PIP := install --disable-pip-version-check $(shell test -t 2 || echo --quiet)

# Compiled tests are kept even where the shell says otherwise: compiling them takes longer than many.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick lint types docs check reference figures picture bench tuning scale torture mutants clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## install everything into .venv; the others do it when needed

$(READY): pyproject.toml constraints.txt searchapp/encoders/bert_kernel.c
	@echo "Setting up $(VENV), once: about 3 GB, which takes some minutes."
	@echo "1/4 a new environment"
	@$(PYTHON) -m venv $(VENV)
	@echo "2/4 $(TORCH), the largest part"
	@$(BIN)/pip $(PIP) --no-compile $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	@echo "3/4 searchapp, its libraries, its model and what the tests need: about 150 packages"
	@$(BIN)/pip $(PIP) --no-compile --constraint constraints.txt --editable '.[dev]'
	@echo "4/4 compiling"
	@$(BIN)/python -m compileall -qq -j 0 -x '$(SELDOM)' searchapp $(VENV)/lib || true
	@touch $@

demo: $(READY)  ## read data/ into a corpus of its own and ask three questions
	$(BIN)/searchapp ingest data --corpus $(DEMO)
	@for question in "my bike's derailleur keeps slipping" \
	                 "appliance vibrating violently during rinse" \
	                 "how can eggs be kept for weeks without a refrigerator"; do \
		printf '\n\n> searchapp query "%s"\n\n' "$$question"; \
		$(BIN)/searchapp query "$$question" -k 3 --corpus $(DEMO) || exit; \
	done

test: $(READY)  ## run all tests
	$(BIN)/pytest -n logical --dist worksteal

quick: $(READY)  ## run the tests that need neither a model nor minutes, on all cores
	$(BIN)/pytest -n logical --dist worksteal -m "not model and not slow"

lint: $(READY)  ## check style, imports and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/codespell

types: $(READY)  ## check types
	$(BIN)/mypy

docs: $(READY)  ## build the documentation into build/site, offline; any warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

check: lint types docs test  ## everything that CI runs

reference: $(READY)  ## write the references of commands and of the API, and the table of formats
	$(BIN)/python -m tools.cli_reference
	$(BIN)/python -m tools.api_reference
	$(BIN)/python -m tools.format_table

figures: $(READY)  ## put the results of the benchmarks into the pages
	$(BIN)/python -m tools.figures

picture: $(READY)  ## draw the pictures of README and docs, from the corpus of `make demo`
	$(BIN)/python -m tools.picture --corpus $(DEMO)
	$(BIN)/python -m tools.page_pictures --corpus $(DEMO)

bench: $(READY)  ## compare with other programs; COLLECTION=DIR (BEIR form) adds quality
	$(BIN)/python -m benchmarks.rival_environments
	$(BIN)/python -m benchmarks.versus $(if $(COLLECTION),--collection $(COLLECTION))
	$(BIN)/python -m benchmarks.rates
	$(BIN)/python -m tools.figures

tuning: $(READY)  ## measure what tuning is worth; COLLECTION=DIR adds what is forgotten elsewhere
	$(BIN)/python -m benchmarks.tune $(if $(COLLECTION),--collection $(COLLECTION))

scale: $(READY)  ## measure corpora of a thousand to a million passages; SIZES="1000 10000000"
	$(BIN)/python -m benchmarks.scale $(SIZES)

torture: $(READY)  ## test the guarantees at length, for hours; TORTURES="powerloss flips" for some
	$(BIN)/pip $(PIP) --constraint constraints.txt --editable '.[torture]'
	$(BIN)/python -m tests.torture $(TORTURES)

mutants: $(READY)  ## change the code a little and see whether tests notice; ROOMS="search ingest"
	$(BIN)/pip $(PIP) --constraint constraints.txt --editable '.[mutants]'
	$(BIN)/python -m tests.mutants $(ROOMS)

clean:  ## remove what the other targets made
	rm -rf $(VENV) $(DEMO) $(BENCH) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
