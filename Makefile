# make demo   maps the networks of examples/ onto all four families, and explains each result
# make test   ruff, pyright and all tests; those of the HTML pages need Chromium, and say so
# Both make the environment .venv first. On another Python: make test PYTHON=python3.12 VENV=.venv312

PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
SDK ?= .sdk
SDK_TEST ?=
SDK_HANDOFF ?= --jobs 2
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test check test-sdk bench clean

demo: $(VENV)/.installed
	$(BIN)/python examples/demo.py

test: $(VENV)/.dev
	VENV=$(VENV) scripts/check
	VENV=$(VENV) scripts/test

check: $(VENV)/.dev
	VENV=$(VENV) scripts/check

# The vendors' own simulators as oracles, each in an environment of its own in $(SDK): emulators
# on random networks, then bundles' deploy.py. An environment that cannot be built is named, and
# what was not run for want of it; a difference is an error.
test-sdk: $(VENV)/.dev
	-$(BIN)/python scripts/sdk_env.py $(SDK)
	$(BIN)/python scripts/sdk_test.py --sdk $(SDK) $(SDK_TEST)
	$(BIN)/python scripts/sdk_handoff.py --sdk $(SDK) $(SDK_HANDOFF)

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/startup.py

clean:
	rm -rf $(VENV) out build dist .pytest_cache .ruff_cache

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml $(CONSTRAINTS)
	$(PIP) install --constraint $(CONSTRAINTS) --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(PIP) install --constraint $(CONSTRAINTS) --group dev
	touch $@
