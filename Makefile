# make run    Chronos on this machine, from a fresh clone to the sign-in page
# make demo   the same with demo jobs and two weeks of history
# make test   the whole test suite; ARGS="tests/jobs -k cron" runs a part of it, ON=postgresql elsewhere
# make faults break all there is a test for; ARGS=--write puts what came of it into the documentation
# make soak   break things at random; MINUTES=30 SEED=7 ON=sqlite
# make check  lint, types, settings, migrations, weaknesses, known vulnerabilities

PYTHON ?= python3
VENV := .venv
IN_VENV := $(VENV)/bin/python
INSTALL := $(IN_VENV) -m pip --require-virtualenv --disable-pip-version-check --quiet install --requirement
, := ,
REFUSE = { echo "Chronos cannot be installed. $(1)" >&2; exit 1; }

# An environment whose Python was upgraded or taken away is of no use.
$(shell [ ! -e $(VENV)/.installed ] || $(IN_VENV) -c "import django, honcho" 2>/dev/null || rm -rf $(VENV))

.PHONY: run demo test faults soak check

run: $(VENV)/.installed
	@exec $(IN_VENV) -m chronos_site.product

demo: $(VENV)/.installed
	@exec $(IN_VENV) -m chronos_site.product --demo

test: $(VENV)/.installed-dev
	@exec $(IN_VENV) tests/run.py $(if $(ON),--on $(ON)) $(ARGS)

faults: $(VENV)/.installed-dev
	@exec $(IN_VENV) -m tests.faults $(ARGS)

soak: $(VENV)/.installed-dev
	@exec $(IN_VENV) -m tests.faults.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(if $(ON),--on $(ON))

check: $(VENV)/.installed-dev
	@exec $(IN_VENV) tests/check.py

$(VENV)/.installed: requirements.txt constraints.txt | $(VENV)/.made
	@echo "Installing what Chronos runs on. This takes one to three minutes, once."
	@$(INSTALL) requirements.txt || $(call REFUSE,The Python packages could not be installed; what pip says stands above.)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt constraints.txt | $(VENV)/.made
	@echo "Installing what the tests and checks need."
	@$(INSTALL) requirements-dev.txt || $(call REFUSE,The Python packages could not be installed; what pip says stands above.)
	@touch $@ $(VENV)/.installed

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || $(call REFUSE,It needs Python 3.11 or newer$(,) and there is no $(PYTHON) here. On Debian: apt install python3 python3-venv)
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || $(call REFUSE,It needs Python 3.11 or newer$(,) and $(PYTHON) is older. Another one: make run PYTHON=/path/to/python3)
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || $(call REFUSE,Python's module venv is missing. On Debian: apt install python3-venv)
	@[ -w . ] || $(call REFUSE,This folder cannot be written to.)
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
