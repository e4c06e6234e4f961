# `make` alone lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    ?= default
# Of pytest: each is a process with one thread and takes whole files, so that their fixtures are made once.
WORKERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run app test lab bench rooms screenshots sync publish readme lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# torch stands outside the lock: its build depends on the graphics card. Where there is none, the
# CPU build saves 3 GB; where its index cannot be reached, pip's own index serves.
TORCH     := $(shell sed -n 's/^  "\(torch==[^"]*\)",/\1/p' pyproject.toml)
CPU_INDEX := https://download.pytorch.org/whl/cpu
WITHOUT   := $(foreach p,torch triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-,cublas cuda-cupti \
             cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink \
             nvshmem-cu13 nvtx),--no-emit-package $(p))

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || { echo "make: creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "make: installing the locked dependencies (a few minutes the first time)"
	@if command -v nvidia-smi >/dev/null || [ "$$(uname)" = Darwin ]; then \
	   $(BIN)/python -m pip install --quiet $(TORCH); \
	 else \
	   $(BIN)/python -m pip install --quiet --no-deps --index-url $(CPU_INDEX) --timeout 15 --retries 1 $(TORCH) \
	   || $(BIN)/python -m pip install --quiet $(TORCH); \
	 fi
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: $(VENV)/.installed ## answer in a minute, then run the notebooks: make run [RUN=smoke|default|open|full] [FRESH=1]
	@if [ "$(RUN)" = default ]; then \
	   $(BIN)/wyf feel "면접에서 또 떨어져서 너무 속상해"; \
	   echo; echo "make: \`make app\` opens the page. The notebooks run now and bring sound to these songs; stop whenever you like."; \
	 fi
	@$(BIN)/wyf run $(RUN)
	@$(BIN)/wyf feel "면접에서 또 떨어져서 너무 속상해" --run $(RUN)

app: $(VENV)/.installed ## open the page: make app [RUN=default|jamendo|music]
	@WYF_RUN=$(RUN) $(BIN)/streamlit run streamlit_app.py

test: $(VENV)/.installed ## lint and all tests, the smoke run of the notebooks included
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

lab: $(VENV)/.installed ## open JupyterLab with the project's kernel
	@OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=10000 $(BIN)/jupyter lab notebooks  # as wyf_utils.OPENMP

bench: $(VENV)/.installed ## time the parts side by side and print ratios
	@$(BIN)/python -m wyf_utils.bench

rooms: $(VENV)/.installed ## draw the rooms of the package and their imports for the README
	@$(BIN)/python tests/rooms.py

screenshots: $(VENV)/.installed ## pictures of the page for the README, by Debian's chromium
	@$(BIN)/python tests/screenshots.py

sync: $(VENV)/.installed ## bring the notebooks and their .py twins together
	@$(BIN)/wyf sync

publish: $(VENV)/.installed ## re-execute a run into figures/, results.json and, the default run, notebooks/: make publish [RUN=open]
	@$(BIN)/wyf run $(RUN) --publish
	@$(BIN)/wyf readme

readme: $(VENV)/.installed ## fill the README's results table from results.json
	@$(BIN)/wyf readme

lock: $(VENV)/.installed ## write requirements.lock anew from pyproject.toml, with hashes, for every platform
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --all-extras --no-annotate --no-header \
	  $(WITHOUT) --output-file requirements.lock pyproject.toml

clean: ## remove runs and the cache, keep data/raw and data/feedback
	rm -rf runs data/cache
