# Two commands: `make run` starts everything on this machine, `make test` runs every test.
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then command -v $$p; break; fi; done)
BIN := .venv/bin
# A production environment without its servers, for the checks that read the settings.
PRODUCTION = BACKOFFICE_HOME=$$(mktemp -d) BACKOFFICE_DEMO=0 DATABASE_URL=postgresql:///backoffice \
	CELERY_BROKER_URL=amqp://localhost ALLOWED_HOSTS=backoffice.example.org \
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')

.PHONY: run test soak check setup setup-dev lock audit clean

run: setup
	@exec $(BIN)/python manage.py up

# The whole suite on two processes: each has servers of its own and takes whole
# files of tests.
test: setup-dev
	@exec $(BIN)/python -m pytest $(or $(ARGS),-n 2 --dist loadfile --no-loadscope-reorder)

# At length: everybody's crawl, every look, kills under load, 500 runs of the machine, a thousand seeded cases,
# 2,000 histories of debts, a portfolio of 100,000.
soak: setup-dev
	@BACKOFFICE_AT_LENGTH=1 $(BIN)/python -m pytest -s --timeout 9000 -p no:xdist $(or $(ARGS),tests/restricted/test_canary.py \
		tests/restricted/test_agreement.py tests/browser tests/kernel/test_search_thousand.py tests/faults tests/agencies/test_kills.py \
		tests/agencies/test_search_kills.py tests/fraud/test_machine.py \
		tests/debt/test_never_leaves.py tests/debt/test_never_sold.py tests/debt/test_batch_kills.py tests/debt/test_sale_completing.py \
		tests/bench/test_portfolio.py tests/bench/test_monthly_file.py tests/bench/test_notices.py tests/bench/test_batches.py \
		tests/bench/test_seed_volume.py tests/bench/test_delivery_rate.py tests/bench/test_erasing.py tests/ledger/test_squash.py \
		tests/api/test_fuzz.py tests/kernel/test_matrix.py)

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo mypy; $(PRODUCTION) $(BIN)/mypy
	$(BIN)/lint-imports
	@echo manage.py makemigrations --check; $(PRODUCTION) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@echo manage.py check --deploy; $(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	@.ci/audit

audit: setup-dev
	@.ci/audit

setup:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) backoffice/bootstrap.py

setup-dev:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) backoffice/bootstrap.py --dev

# Made with the oldest Python that is supported, so that what only it needs is in the lock.
lock: setup-dev
	$(BIN)/pip-compile $(LOCK) -o requirements.txt requirements.in
	$(BIN)/pip-compile $(LOCK) -o requirements-dev.txt requirements-dev.in
LOCK := --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
