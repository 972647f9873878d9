# make demo   the main study in its quick form: a table and a picture, in under 3 minutes with the installation
# make test   everything, real-SPICE tests included (installs ngspice and its library through the system's package manager)
# make docs   the documentation as a site in site/, readable without a server or a network
# make lint   style, formatting and the rule that imports run downwards only
# make bench  the benchmarks, printed as ratios
# make netlists  write the ready decks anew
# make clean  remove what the other targets made

PYTHON ?= python3
# Asked for by its version first: a package index may offer a build of it for the CPU, which is far smaller.
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test docs lint bench netlists clean ngspice chromium
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	$(BIN)/circuitsnn run associative_memory --quick

test: $(VENV)/installed-for-tests ngspice chromium
	$(BIN)/python -m pytest -n 2

docs: $(VENV)/installed-for-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

lint: $(VENV)/installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

bench: $(VENV)/installed-for-tests ngspice
	PYTHONPATH=tests:tests/benchmarks OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench_oscillators.py
	PYTHONPATH=tests:tests/benchmarks OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench_macro.py
	PYTHONPATH=tests:tests/benchmarks OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench_inference.py
	PYTHONPATH=tests:tests/benchmarks OMP_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench_executors.py
	PYTHONPATH=tests:tests/benchmarks OMP_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench_sweep.py

netlists: $(VENV)/installed
	$(BIN)/python -c 'from pathlib import Path; from circuitsnn.spice.ready_decks import write_ready_decks; write_ready_decks(Path("netlists"))'

clean:
	rm -rf $(VENV) build dist runs site .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	find circuitsnn studies tests -name __pycache__ -type d -prune -exec rm -rf {} +

FIND_NGSPICE = import ctypes.util, shutil, sys; sys.exit(not (shutil.which("ngspice") and ctypes.util.find_library("ngspice")))

ngspice: $(VENV)/bin/python
	@$(BIN)/python -c '$(FIND_NGSPICE)' || sh .ci/install_ngspice.sh

chromium:
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null && \
	  command -v chromedriver >/dev/null || sh .ci/install_chromium.sh

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "circuitsnn needs Python 3.10 or newer; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

# The package is installed in place, so only a change of pyproject.toml calls for a new installation.
$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-for-tests: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint,vacask,train,nir,study,distributed,report]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-for-docs: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@ $(VENV)/installed
