# `make` alone says what there is. `make demo` and `make test` need Python 3.11 or newer and nothing else; both make the
# environment they run in.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO_PORT ?= 8765
UP_PORT ?= 4200
# A notification block of the server, such as slack-webhook/team
NOTIFY ?=
# Most of the suite's time goes by in processes that start: they should find every library compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-search demo-train up down test check docs bench peers clean

help:  ## say what there is to make
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "installing Cairn and what it stands on, Prefect, OpenCV, faiss and others: about 1 GB in $(VENV)"
	$(BIN)/pip install --progress-bar off --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing what tests need, networks too: 5.3 GB on Linux on x86-64, less than 2 GB elsewhere"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@ $(VENV)/.installed-train

# Not quiet: it is the one thing that is large, and each package is told with its size as it comes.
$(VENV)/.installed-train: $(VENV)/.installed
	@echo "installing networks: 5.3 GB on Linux on x86-64, where torch brings CUDA, less than 1 GB elsewhere"
	$(BIN)/pip install --constraint constraints.txt --editable ".[train]"
	touch $@

demo: $(VENV)/.installed  ## curate the demo list, print its score and where its report is
	$(BIN)/python -m demo --port $(DEMO_PORT)

demo-search: $(VENV)/.installed-train  ## index what the demo curated (curating it first if need be), and search it
	$(BIN)/python -m demo.search --port $(DEMO_PORT)

demo-train: $(VENV)/.installed-train  ## train a network on what the demo curated, and search by it
	$(BIN)/python -m demo.train --port $(DEMO_PORT)

up: $(VENV)/.installed  ## start server, deployments, automations and workers; make up NOTIFY=slack-webhook/team
	$(BIN)/cairn up --port $(UP_PORT) $(if $(NOTIFY),--notify $(NOTIFY))

down: $(VENV)/.installed  ## end what `make up` started
	$(BIN)/cairn down

test: $(VENV)/.installed-dev  ## all tests, each file in one of two processes
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.installed-dev  ## style, types, and the arrows of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-dev  ## write the pages of docs that are made from the code
	for page in docs/make_*.py; do PYTHONPATH=. $(BIN)/python $$page || exit 1; done

peers: $(VENV)/.installed-dev  ## environments of the tools that benchmarks measure beside Cairn
	$(BIN)/python -m bench peers

bench: $(VENV)/.installed-dev  ## make bench NAME=overhead ARGS='--quick --check'
	$(BIN)/python -m bench $(NAME) $(ARGS)

clean:  ## remove what was installed, built and cached here; what was curated, in data/, stays
	rm -rf $(VENV) build dist *.egg-info .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
