# make demo and make test need nothing but Python 3.11 or newer: each sets up what it needs, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := .demo
BENCH := .bench-venv

.PHONY: setup demo test quick lint types check bench tuning scale torture clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m compileall -q searchapp
	@touch $@

# Ingests data/ into a corpus of its own and asks three questions.
demo: $(READY)
	$(BIN)/searchapp ingest data --corpus $(DEMO)
	@for question in "my bike's derailleur keeps slipping" \
	                 "appliance vibrating violently during rinse" \
	                 "how can eggs be kept for weeks without a refrigerator"; do \
		printf '\n\n> searchapp query "%s"\n\n' "$$question"; \
		$(BIN)/searchapp query "$$question" -k 3 --corpus $(DEMO) || exit; \
	done

test: $(READY)
	$(BIN)/pytest

# The tests that need neither a model nor minutes, on all cores.
quick: $(READY)
	$(BIN)/pytest -n auto -m "not model and not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

check: lint types test

# Against what one would pick instead, in an environment of its own; COLLECTION=DIR adds quality, of a judged collection in BEIR form.
bench: $(READY) $(BENCH)/.ready
	$(BIN)/python -m benchmarks.versus $(if $(COLLECTION),--collection $(COLLECTION))
	$(BIN)/python -m benchmarks.rates

$(BENCH)/.ready: benchmarks/rivals/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --disable-pip-version-check --quiet --requirement $<
	@touch $@

# What tuning is worth, and costs, by the code names of data/codenames; COLLECTION=DIR adds what is forgotten of a collection in BEIR form.
tuning: $(READY)
	$(BIN)/python -m benchmarks.tune $(if $(COLLECTION),--collection $(COLLECTION))

# What corpora of a thousand to a million passages cost; SIZES="1000 10000000" for others.
scale: $(READY)
	$(BIN)/python -m benchmarks.scale $(SIZES)

# What the promises of ARCHITECTURE.md rest on, at length: two hours on two cores; TORTURES="powerloss flips" for some.
torture: $(READY)
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[torture]'
	$(BIN)/python -m tests.torture $(TORTURES)

clean:
	rm -rf $(VENV) $(DEMO) $(BENCH) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
