# Two commands do all: `make demo` runs the lesson, `make test` the tests. Each sets up what it needs in .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo install test test-slow test-oldest test-pythons check format lint types layers docs site generated man readme pictures notebook programs \
	dist-check bench coverage fuzz mutants clean

help:  ## Show what can be made.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1	\2/' | expand -t 22

demo: install  ## Run the lesson: forty gradient steps find the kernel [1, -1].
	$(BIN)/convkit learn-kernel --kernel 1,-1 --steps 40 --lr 0.01

install: $(INSTALLED)  ## Build or update .venv with convkit, its extras and the development tools.

# Always through constraints.txt: an unpinned torch would bring gigabytes of CUDA libraries.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cluster,report,science,dev]'
	@touch $@

# Two test processes share two cores: BLAS threads of either would only spin and wait for the other's.
test: export OPENBLAS_NUM_THREADS = 1
test: install  ## Run the test suite.
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: export OPENBLAS_NUM_THREADS = 1
test-slow: install  ## Run the tests that take minutes.
	$(BIN)/python -m pytest -n 2 -m slow

# Arguments for pytest, instead of all but the slow tests: make test-oldest TESTS="tests/kernel -x"
test-oldest:  ## Run the tests with the oldest dependencies allowed (constraints-oldest.txt).
	$(PYTHON) tools/elsewhere.py oldest $(TESTS)

test-pythons:  ## Run the tests with every Python from 3.11 on that is here.
	$(PYTHON) tools/elsewhere.py pythons $(TESTS)

coverage: export OPENBLAS_NUM_THREADS = 1
coverage: install  ## Which branches of recovery/ and convolution/ do their tests take?
	$(BIN)/python -m pytest -q -n 2 -m "not slow" tests/recovery tests/convolution convkit/recovery convkit/convolution \
	  --cov=convkit.recovery --cov=convkit.convolution --cov-branch --cov-report=term:skip-covered --cov-fail-under=95

# For so many seconds each; what is found lies in .fuzz/.
FUZZ_SECONDS ?= 60
fuzz: install  ## Feed all that reads files or text with bytes that are changed at random.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]' || true
	$(BIN)/python tools/fuzzing.py --seconds $(FUZZ_SECONDS)

mutants: install  ## Change recovery/ and convolution/ in 400 small ways, and see whether tests notice (an hour).
	test -e .mutants/seconds.json || $(BIN)/python tools/mutants.py map
	$(BIN)/python tools/mutants.py run
	$(BIN)/python tools/mutants.py report

check: format lint types layers docs test  ## Everything that must hold before a change lands.

format: install  ## Is the code formatted?
	$(BIN)/ruff format --check .

lint: install  ## Are there faults that a linter sees?
	$(BIN)/ruff check .

types: install  ## Do the types fit?
	$(BIN)/mypy

layers: install  ## Do imports point downwards only?
	$(BIN)/lint-imports

docs: site  ## Do README, docs/ and notebook show what comes of their commands, and is nothing stale?
	$(BIN)/python tools/readme.py
	$(BIN)/python tools/notebook.py

# NO_MKDOCS_2_WARNING: what Material says of its future is no warning of ours. DISABLE_… is how earlier versions spell it.
site: export NO_MKDOCS_2_WARNING = 1
site: export DISABLE_MKDOCS_2_WARNING = true
site: install  ## Build the pages of docs/ into build/site, warnings as errors.
	$(BIN)/python tools/generated.py
	$(BIN)/mkdocs build --strict --quiet

generated: install  ## Write anew what is made from the code: reference, schemas, kernel library, manual page.
	$(BIN)/python tools/generated.py --write

man: generated  ## Show the manual page.
	man -l docs/convkit.1

readme: install  ## Write the outputs shown in README and docs/ anew.
	$(BIN)/python tools/readme.py --write

dist-check: install  ## Build wheel and sdist, and try the wheel where no development tools are.
	$(BIN)/python tools/dist.py

pictures: install  ## Make the pictures of the README anew.
	$(BIN)/python tools/pictures.py

notebook: install  ## Run docs/lesson.ipynb and keep what it shows.
	$(BIN)/python tools/notebook.py --write

programs: install  ## Ask the real programs of the README's table anew, and write it.
	$(BIN)/python tools/programs.py --write

bench: install  ## Measure convkit beside its peers.
	$(BIN)/python benchmarks/convolve.py
	$(BIN)/python benchmarks/command.py
	$(BIN)/python benchmarks/learn.py
	$(BIN)/python benchmarks/pairs.py
	$(BIN)/python benchmarks/grid.py
	$(BIN)/python benchmarks/large.py
	$(BIN)/python benchmarks/device.py

clean:  ## Remove what was built.
	rm -rf .venv .venv-* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist build .fuzz .mutants .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
