# make run    set up what serving needs and serve on http://127.0.0.1:5000   (ARGS="--port 8000" for options)
# make space  run the Space as Hugging Face would, from its own files and requirements, on http://127.0.0.1:7860
# make test   set up everything and run every test, in two processes   (WORKERS=4 for more, 1.5 GB of memory each)
# make check  ruff, mypy and the quick tests: those that neither train nor start a server (see SLOW in tests/conftest.py)
# make lint   ruff and mypy
# make bench  speed next to other servers, in one run of about 15 minutes   (ARGS="--rounds 1" for options)

PYTHON ?= python3
VENV := .venv
BENCH := .bench
BIN := $(VENV)/bin
ARGS ?=
WORKERS ?= 2
PIP = $(@D)/bin/python -m pip install --disable-pip-version-check --quiet
# Tests that share a server or a browser run in one process (loadgroup), the longest groups first.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

.PHONY: run space test check lint bench wrk
.SILENT:

run: $(VENV)/serving
	$(BIN)/python app.py $(ARGS)

space: $(VENV)/serving
	$(BIN)/python -m spaces_config serve

test: $(VENV)/everything
	command -v chromium >/dev/null || command -v google-chrome >/dev/null \
		|| $(BIN)/playwright install chromium >$(VENV)/install.log 2>&1 \
		|| echo "There is no Chromium and none could be downloaded: the browser tests will say so."
	$(PYTEST) $(ARGS)

check: lint
	$(PYTEST) -m 'not slow' $(ARGS)

lint: $(VENV)/everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: wrk $(BENCH)/everything
	$(BENCH)/bin/python -m benchmarks.serving --output benchmarks/RESULTS.md $(ARGS)

wrk:
	command -v wrk >/dev/null || { \
		echo "wrk is not installed: install it and run make bench again (Debian and Ubuntu: apt-get install wrk)"; \
		exit 1; }

$(VENV)/python $(BENCH)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Vistazo needs Python 3.11 or newer and $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing): install one and name it, as in make run PYTHON=python3.12"; \
		exit 1; }
	echo "Creating $(@D) …"
	$(PYTHON) -m venv $(@D) >/dev/null || { \
		echo "$(PYTHON) cannot create a virtual environment: install its venv module (Debian and Ubuntu: apt install python3-venv)"; \
		exit 1; }
	touch $@

$(VENV)/serving: spaces_config/requirements.txt | $(VENV)/python
	echo "Installing what serving needs in $(VENV) (once; 600 MB on disk) …"
	$(call install,$<)

$(VENV)/everything: requirements-dev.txt requirements.txt spaces_config/requirements.txt | $(VENV)/python
	echo "Installing everything, TensorFlow too, in $(VENV) (once; 3.6 GB on disk) …"
	$(call install,$<)

$(BENCH)/everything: benchmarks/requirements.txt requirements.txt spaces_config/requirements.txt | $(BENCH)/python
	echo "Installing TensorFlow and the other servers in $(BENCH) (once; 3 GB on disk) …"
	$(call install,$<)

define install
$(PIP) -r $(1) 2>$(@D)/install.log || { \
	echo "The packages of $(1) could not be installed: check the network and run make again ($(@D)/install.log has pip's words)"; \
	exit 1; }
touch $@
endef
