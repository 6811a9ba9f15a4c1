# Everything runs in one environment, .venv in the checkout. The stamp file makes a second call fast.
# Other Pythons: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.installed-docs
EXTRAS ?= dev
LOWEST := .venv-lowest
# Modules are compiled when they are first imported: of all that is installed a tenth is.
PIP := -m pip install --quiet --disable-pip-version-check --no-compile
OUT ?= out
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
# Tests start some hundreds of programs, each of which would compile all that it imports.
export PYTHONDONTWRITEBYTECODE :=
# The plugin for benchmarks cannot measure beside other workers, and says so every time.
PYTEST := pytest --numprocesses $(JOBS) --maxprocesses 8 --dist loadscope --no-loadscope-reorder -p no:benchmark

.PHONY: graph test test-lowest lint types kernels unit docs benchmark paper atlas clean

graph: $(STAMP)
	mkdir -p $(OUT)
	$(BIN)/landtopo graph --teacher orthonormal:6 --widths 6:7 --seed 0 --jobs 2 -o $(OUT)/orthonormal6.landtopo --out-dir $(OUT)

test: lint types unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

kernels: $(STAMP)
	$(BIN)/python tests/kernels.py

unit: kernels
	$(BIN)/$(PYTEST)

# The tests with the oldest versions that pyproject.toml allows. The package is installed as a user
# has it, and programs that tests start do not look for it in the current folder, so that code
# compiled by an old numba never meets that of the checkout.
test-lowest:
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python .ci/lowest.py > $(LOWEST)/constraints.txt
	PIP_CONSTRAINT=$(LOWEST)/constraints.txt $(LOWEST)/bin/python $(PIP) ".[tests]"
	PYTHONSAFEPATH=1 $(LOWEST)/bin/python tests/kernels.py
	PYTHONSAFEPATH=1 $(LOWEST)/bin/$(PYTEST)

# Published numbers, recomputed: results/paper/index.html. A second call goes on where the first was.
paper: $(STAMP)
	$(BIN)/python verification/paper.py

# Landscapes and families under permanent labels: atlas/index.html. A second call goes on.
atlas: $(STAMP)
	$(BIN)/landtopo atlas build atlas --jobs $(JOBS)

# The site, offline, with every command, script and notebook in it run; then its pages are examined.
docs: $(DOCS_STAMP) kernels
	rm -rf docs/_build docs/_generated docs/api docs/examples docs/_rest.rst
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs docs/_build/html
	$(BIN)/pytest -p no:cacheprovider docs

benchmark: $(STAMP)
	$(BIN)/pytest benchmarks

clean:
	rm -rf docs/_build docs/_generated docs/api docs/examples docs/_rest.rst
	rm -rf $(VENV) $(LOWEST) build dist .pytest_cache .mypy_cache .ruff_cache

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "landtopo needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --editable ".[$(EXTRAS)]"
	touch $(STAMP) $(if $(findstring docs,$(EXTRAS)),$(DOCS_STAMP))

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python $(PIP) --editable ".[docs]"
	touch $(DOCS_STAMP)
