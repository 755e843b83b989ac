# Start with `make demo` or `make test`; both set up .venv first.
PYTHON ?= python3
BIN := .venv/bin
# All extras except those with another set of OpenMMLab packages (mim, mminstall, onedl) and browser,
# so that no other test is skipped because an extra is missing.
EXTRAS := lite,hf,predict,export,openvino,tables,app,tensorboard,test,docs,dev
INSTALL := $(BIN)/python -m pip install --quiet --constraint requirements/constraints.txt
READY := .venv/.ready

.PHONY: demo test test-isa lint format docs shapes setup clean

demo: $(READY)
	$(BIN)/python -m vitpose_plus demo

test: $(READY)
	$(BIN)/python -m pytest -n 2

# Runs the tests with the kernels of other processors, because the bounds of the tests must hold on
# every machine. MKL_CBWR makes MKL use other kernels also on processors that are not from Intel.
test-isa: $(READY)
	ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE ONEDNN_MAX_CPU_ISA=SSE41 \
		$(BIN)/python -m pytest -n 2
	MKL_ENABLE_INSTRUCTIONS=AVX2 ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 \
		$(BIN)/python -m pytest -n 2

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Any warning is an error. The variable turns off a notice about the future of mkdocs.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "The pages are in site/index.html. To search in them, use: $(BIN)/python -m mkdocs serve"

# Run this after a change of the configs: writes the table that `convert` compares weights with.
shapes: $(READY)
	$(BIN)/python -c 'from vitpose_plus.checkpoints.matching import write_table; write_table()'

setup: $(READY)

# xtcocotools is built here because its wheels are for NumPy 1. chumpy, which mmpose requires and never
# imports, only builds without isolation. Nothing else is compiled. The last line has isolation, because
# only then setuptools writes the egg-info folder in which mim finds an editable installation.
$(READY): requirements/constraints.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
		{ echo "vitpose_plus is tested with Python 3.11 and 3.12: run make PYTHON=python3.12"; exit 1; }
	@echo "Setting up .venv: a few minutes, most of them for downloading torch ..."
	$(PYTHON) -m venv .venv
	$(INSTALL) pip setuptools wheel Cython numpy
	$(INSTALL) --no-build-isolation --no-binary xtcocotools xtcocotools chumpy
	$(INSTALL) --editable '.[$(EXTRAS)]'
	@touch $(READY)

clean:
	rm -rf .venv build dist site *.egg-info work_dirs
