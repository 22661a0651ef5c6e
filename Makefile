# Each target makes .venv when it is missing and installs what it needs.
PYTHON ?= python3
BIN := .venv/bin
CORES ?= 2
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo presets test test-all lint bench size graph schema clean-venv help

help:
	@echo "make demo      the whole job on the built-in corpus: recordings to submission file and report"
	@echo "make presets   every published system at demo scale, data to submission; then their jobs at full scale"
	@echo "make test      the tests, with coverage"
	@echo "make test-all  the tests and the heavy checks"
	@echo "make lint      ruff and mypy"
	@echo "make graph     draw the rule graph of the README again"
	@echo "make schema    write the JSON schema of config.yaml again"
	@echo "make size      the graph at Aff-Wild2's size: seconds, memory and jobs of a dry run and of nothing to do"
	@echo "make bench     after make demo: speed as ratios measured in one run, true labels against shuffled ones"

$(BIN)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); \
	  sys.exit(None if ok else f"Python 3.11 to 3.13 is needed, this is {sys.version.split()[0]}; set PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(BIN)/.installed
	snakemake --cores $(CORES)
	abaw predict data/demo/batch2 --ensemble va --out results/predict
	@abaw summary

presets: $(BIN)/.installed
	python benchmarks/presets.py
	python benchmarks/presets.py --full

test: $(BIN)/.installed
	pytest -n 2 --dist loadfile --cov --cov-report=term --cov-fail-under=85

test-all: $(BIN)/.installed
	pytest -n 2 --dist loadfile -m "slow or not slow" --durations=20

lint: $(BIN)/.installed
	ruff check . && ruff format --check . && mypy

bench: $(BIN)/.installed
	@test -d results/demo/features || { echo 'run make demo first: it makes what is measured'; exit 2; }
	python benchmarks/extract.py
	python benchmarks/learning.py
	python benchmarks/ensembles.py

size: $(BIN)/.installed
	python benchmarks/size.py
	python benchmarks/doctor.py

graph: $(BIN)/.installed
	snakemake --cores 1 --rulegraph mermaid-js | python workflow/readme_graph.py

schema: $(BIN)/.installed
	abaw schema > workflow/config.schema.json

clean-venv:
	rm -rf .venv
