# make demo       the whole experiment on a synthetic sky
# make test       everything that this machine can check, from a fresh checkout, with coverage
# make quick      the tests without the slow ones
# make lint       style, types, the order of the wings, the workflow's rules
# make docs       the manual, into site/
# make lock       uv.lock, requirements.txt and workflow/envs from pyproject.toml
# make smoke-gpu  the real recipe with a random 8B on this machine's GPUs, beside the plan
PYTHON ?= python3.11
BIN := .venv/bin
PYTEST := python -m pytest -n 2 --dist loadfile
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DS_BUILD_OPS = 0

.PHONY: demo test quick docs lint bench smoke-gpu schema lock

demo: .venv/installed
	snakemake --profile profiles/demo
	@cat results/tables/table3.md
	@echo "Everything above is of synthetic stars. The report: results/report/index.html"

# Commands that tests start as processes of their own are not in the coverage.
test: .venv/installed lint
	$(PYTEST) --cov=spectralm --cov-report=term:skip-covered

quick: .venv/installed
	$(PYTEST) -m "not slow and not slurm"

# Lint needs only paths that are there; these are no data.
NO_DATA := {lamost: {spectra: [tests], catalogues: [README.md]}, \
	apogee: {catalogue: README.md}, galah: {catalogue: README.md}, gaia_eso: {catalogue: README.md}}
lint: .venv/installed
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	snakefmt --check Snakefile workflow
	snakemake --lint --config "surveys=$(NO_DATA)"

docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict
	@echo "The manual: site/index.html (its search needs: python -m http.server --directory site)"

bench: .venv/installed
	python bench/answer_logits.py
	PYTHONPATH=tests python bench/grammar.py
	python bench/dry_run.py
	python bench/spectra.py $(SPECTRA)

smoke-gpu: .venv/installed
	python bench/smoke_gpu.py

schema: .venv/installed
	python -m spectralm.config > workflow/schemas/config.schema.yaml

# uv.lock holds every version with its hashes; pip and conda get theirs from it.
# A newer version of NAME: make lock LOCK="--upgrade-package NAME"
EXPORT := uv export --quiet --frozen --no-emit-project --no-header --no-annotate
lock: .venv/installed
	uv lock $(LOCK)
	(echo '# Made by `make lock`. Not here: torch, and what its CUDA build needs.'; \
		$(EXPORT) --all-extras --all-groups | sed "s/ ; sys_platform == 'linux'//" | \
		awk '/^[^ ]/ {keep = !/^(torch|triton|cuda-|nvidia-)/} keep') > requirements.txt
	for name in astro llm baselines plots; do \
		(printf '%s\n' '# Made by `make lock`.' 'channels: [conda-forge]' 'dependencies:' \
			'  - python=3.11' '  - pip' '  - pip:'; \
			$(EXPORT) $$(test $$name = astro || echo --extra $$name) --no-default-groups | \
			sed "s/ ; sys_platform == 'linux'//; s/ \\\\$$//; s/^[^ ]/      - &/; s/^    --/    &/") \
			> workflow/envs/$$name.yaml; \
	done

# torch has no hash: pip's index decides whether it is the CPU or the CUDA build.
.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	pip install --quiet --no-deps --require-hashes --requirement requirements.txt
	pip install --quiet $$(grep -o 'torch==[0-9.]*' pyproject.toml | head -1)
	pip install --quiet --no-deps --no-build-isolation --editable .
	pip check
	touch $@
