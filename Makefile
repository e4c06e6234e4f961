# `make` alone lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    ?= default
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run app test lab bench screenshots sync publish readme lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.installed: requirements.lock pyproject.toml
	@sed -i "s/^\(torch==[0-9.]*\)+cpu/\1/" requirements.lock  # the local build tag is not on PyPI
	@test -x $(BIN)/python || { echo "make: creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "make: installing the locked dependencies (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: $(VENV)/.installed ## run the notebooks: make run [RUN=smoke|default|open|full] [FRESH=1]
	@$(BIN)/wyf run $(RUN)
	@$(BIN)/wyf feel "면접에서 또 떨어져서 너무 속상해" --run $(RUN)

app: $(VENV)/.installed ## open the page: make app [RUN=default|music]
	@WYF_RUN=$(RUN) $(BIN)/streamlit run streamlit_app.py

test: $(VENV)/.installed ## lint and all tests, the smoke run of the notebooks included
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m pytest

lab: $(VENV)/.installed ## open JupyterLab with the project's kernel
	@$(BIN)/jupyter lab notebooks

bench: $(VENV)/.installed ## time the parts side by side and print ratios
	@$(BIN)/python -m wyf_utils.bench

screenshots: $(VENV)/.installed ## pictures of the page for the README, by Debian's chromium
	@$(BIN)/python tests/screenshots.py

sync: $(VENV)/.installed ## bring the notebooks and their .py twins together
	@$(BIN)/wyf sync

publish: $(VENV)/.installed ## re-execute a run into figures/, results.json and, the default run, notebooks/: make publish [RUN=open]
	@$(BIN)/wyf run $(RUN) --publish
	@$(BIN)/wyf readme

readme: $(VENV)/.installed ## fill the README's results table from results.json
	@$(BIN)/wyf readme

lock: ## write requirements.lock anew from pyproject.toml
	@$(BIN)/pip-compile --quiet --all-extras --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-annotate --allow-unsafe --output-file requirements.lock pyproject.toml
	@sed -i "s/^\(torch==[0-9.]*\)+cpu/\1/" requirements.lock  # the local build tag is not on PyPI

clean: ## remove runs and the cache, keep data/raw
	rm -rf runs data/cache
