# Everything a checkout can do. Needs Python 3.11 or newer (with venv) and make; the rest is set up in $(VENV).

VENV ?= .venv
BUILD ?= build
PYTHON ?=
# Options for pytest, such as ARGS="-k merge"; `make test` alone runs two tests at a time (ARGS="-n 0" for one).
ARGS ?=
# Options for the benchmark, such as BENCH="--workloads W2,W3 --repeats 5".
BENCH ?=
# Options for the pictures, such as SHOTS="--only timeline" or SHOTS=--readme.
SHOTS ?=

ready := $(VENV)/.nbgraph-ready
python := $(VENV)/bin/python
kernels := $(abspath $(BUILD))/kernels

.PHONY: help demo test lint types pytest confluence browser kernels nbmake notebooks fresh screenshots lab bench lock clean

help:
	@echo "make demo         run the quickstart notebook and say where its results are"
	@echo "make test         lint, types, tests (also in a real browser), notebooks"
	@echo "make lab          open the tutorial in JupyterLab"
	@echo "make notebooks    renew what the notebooks show before they are run"
	@echo "make screenshots  write pictures of all views to $(BUILD)/screenshots"
	@echo "make bench        measure nbgraph beside raw SQLite (see CONTRIBUTING.md for other engines)"
	@echo "make lock         renew the locked versions from pyproject.toml"
	@echo "make clean        remove what make made"

# The stamp makes re-running quick: nothing is installed until the lock or the project file changes.
$(ready): .ci/requirements.txt pyproject.toml
	@sh .ci/setup "$(VENV)" "$(PYTHON)"
	@touch $@

demo: $(ready)
	@sh .ci/demo "$(VENV)" "$(BUILD)"

# The tests come last, so that their closing line does. Two at a time: most of them wait for a kernel, a browser or a disk.
test: lint types browser kernels nbmake fresh
	@$(MAKE) --no-print-directory pytest ARGS="$(or $(ARGS),-n 2)"

lint: $(ready)
	$(python) -m ruff check .
	$(python) -m ruff format --check .

types: $(ready)
	$(python) -m mypy --strict nbgraph

pytest: $(ready)
	NBGRAPH_KERNELS="$(kernels)" $(python) -m pytest $(ARGS)

# Chromium for the browser tests: the one that is there, else Debian's package. Without one CI fails, and elsewhere
# the browser tests are left out.
browser:
	@sh .ci/browser || [ -z "$$CI" ]

# Older ipykernels beside the locked one.
kernels: $(ready)
	@sh .ci/kernels "$(VENV)" "$(kernels)"

# The property that results do not depend on timing, over as many drawn graphs as you like, new ones each time.
GRAPHS ?= 100000
confluence: $(ready)
	NBGRAPH_CONFLUENCE_GRAPHS=$(GRAPHS) $(python) -m pytest tests/contracts/test_determinism.py -q

# Every notebook runs. Nobody's own IPython profile has a say in what it does, and nobody's keys are used.
keyless := env -u OPENAI_API_KEY -u ANTHROPIC_API_KEY -u GEMINI_API_KEY
nbmake: $(ready)
	@mkdir -p "$(BUILD)"
	IPYTHONDIR="$(abspath $(BUILD))/ipython" $(keyless) $(python) -m pytest --nbmake notebooks/

# What the notebooks show before they are run; `fresh` says whether that is what they would show today.
notebooks: $(ready)
	$(python) .ci/notebooks.py

fresh: $(ready)
	$(python) .ci/notebooks.py --check

screenshots: $(ready) browser
	$(python) -m tests.screenshots.shoot --folder "$(BUILD)/screenshots" $(SHOTS)

lab: $(ready)
	$(python) -m jupyterlab --ip=127.0.0.1 $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/01_quickstart.ipynb

bench: $(ready)
	$(python) tests/benchmarks/compare.py --workdir "$(BUILD)/bench" $(BENCH)
	$(python) tests/benchmarks/bench_calls.py --workdir "$(BUILD)/bench"
	$(python) tests/benchmarks/bench_observe.py --workdir "$(BUILD)/bench"

lock:
	@sh .ci/lock "$(BUILD)/lock" "$(PYTHON)"

clean:
	rm -rf "$(VENV)" "$(BUILD)" dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find nbgraph tests notebooks -name __pycache__ -prune -exec rm -rf {} +
