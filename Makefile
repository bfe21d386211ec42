# make demo   environment, installation, and the main job on the built-in corpus: render, recover, score, leaderboard page
# make test   all tests; those on real corpora run where KALAMOS_CORPORA names their folder
# make test-long   what takes hours: runs killed many times, a million damaged files, fifty thousand damaged pictures
# make lint   ruff and mypy --strict
# make perf   speed beside peer libraries, as ratios in one run
# make release-check   builds wheel and source archive, installs each in an empty environment and runs the main jobs there
# make validators   fetches the validator of Every Eval Ever (it asks for a newer Python, and is unpacked and not installed)
# make site   the documentation as a static site in site/; a broken link is an error
# Needs Python 3.11 or newer (make PYTHON=python3.12 demo for another one than python3).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: demo test test-long lint perf wheel release-check site validators leaderboard clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(BIN)/kalamos demo --out demo-results

test: $(VENV)/.tested
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not long"

test-long: $(VENV)/.tested
	$(BIN)/pytest -m long
	$(BIN)/python tests/faults/fuzz.py --cases 1000000 --pictures 50000

lint: $(VENV)/.tested
	$(BIN)/ruff check kalamos tests
	$(BIN)/ruff format --check kalamos tests
	$(BIN)/mypy

perf: $(VENV)/.tested
	$(PIP) install --group perf
	if pkg-config --exists cairo; then $(PIP) install --group perf-cairo; else echo 'pycairo left out: it needs libcairo2-dev and pkg-config'; fi
	$(BIN)/pytest tests/perf --benchmark-only --benchmark-columns=median,ops --benchmark-group-by=group

VALIDATORS ?= $(HOME)/.cache/kalamos/validators

validators: $(VENV)/.installed
	$(PIP) download --no-deps --ignore-requires-python --dest $(VALIDATORS) every-eval-ever==0.3.0
	$(BIN)/python -m zipfile -e $(VALIDATORS)/every_eval_ever-0.3.0-py3-none-any.whl $(VALIDATORS)/every-eval-ever-0.3.0

site: $(VENV)/.tested
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

wheel: $(VENV)/.tested
	$(BIN)/python -m build --wheel

release-check: $(VENV)/.tested
	$(PIP) install --group release
	$(BIN)/python tests/release/check.py --sizes

# torch is pinned and comes first: a looser request may bring several GB of CUDA.
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Kalamos needs Python 3.11 or newer; try make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'
	$(PIP) install torch==2.13.0
	$(PIP) install --editable '.[models,dask,scans]'
	$(BIN)/kalamos warm-up
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(PIP) install --group test --group lint --group site
	touch $@

clean:
	rm -rf $(VENV) build dist site demo-results .pytest_cache .mypy_cache .ruff_cache

# The published leaderboard: all methods and controls on every task. Needs the corpora: KALAMOS_CORPORA=folder make leaderboard
leaderboard: $(VENV)/.installed
	$(BIN)/python -m kalamos.benchmark.board.publish "$(KALAMOS_CORPORA)" --out runs --docs docs --workers 2
