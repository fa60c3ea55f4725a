# make run    Chronos on this machine, from a fresh clone to the sign-in page
# make demo   the same with demo jobs and two weeks of history
# make test   the whole test suite; ARGS="tests/jobs -k cron" runs a part of it, ON=postgresql elsewhere
# make check  lint, types, settings, migrations, known vulnerabilities

PYTHON ?= python3
VENV := .venv
IN_VENV := $(VENV)/bin/python
PIP := $(IN_VENV) -m pip --require-virtualenv --disable-pip-version-check --quiet

.PHONY: run demo test check
.DELETE_ON_ERROR:

run: $(VENV)/.installed
	@exec $(IN_VENV) -m chronos_site.product

demo: $(VENV)/.installed
	@exec $(IN_VENV) -m chronos_site.product --demo

test: $(VENV)/.installed-dev
	@exec $(IN_VENV) tests/run.py $(if $(ON),--on $(ON)) $(ARGS)

check: $(VENV)/.installed-dev
	@exec $(IN_VENV) tests/check.py

$(VENV)/.installed: requirements.txt constraints.txt | $(IN_VENV)
	@echo "Installing what Chronos runs on. This takes a minute, once."
	@$(PIP) install --requirement requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt constraints.txt | $(IN_VENV)
	@echo "Installing what the tests and checks need."
	@$(PIP) install --requirement requirements-dev.txt
	@touch $@ $(VENV)/.installed

$(IN_VENV):
	@command -v $(PYTHON) >/dev/null || { echo "Chronos needs Python 3.11 or newer, and there is no $(PYTHON) here. On Debian: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Chronos needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) -V`. PYTHON=/path/to/python3 make run takes another."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing. On Debian: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
