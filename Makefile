# make setup | demo | up [NAME=… PORT=… FOLLOW=…] | test | lint | lock | bench NAME=… FILE=… | gpu-check
# Everything runs from .venv, which `setup` makes from requirements.lock; each target makes it first if need be.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
CODE   := accountant workers benchmarks tests migrations
HERE   := $(foreach path,$(CODE),$(wildcard $(path)))
JOBS   ?= 3
FILE   ?=

# Tests start some hundred interpreters: each would compile all of our modules anew
unexport PYTHONDONTWRITEBYTECODE

# Only from make's own command line: some shells have a NAME in their environment
option = $(if $(filter command,$(origin $(2))),--$(1) '$($(2))')

.PHONY: setup demo up test browser lint format lock bench gpu-check auction clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name it with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --config-settings editable_mode=compat -e .  # as a path: type checkers follow no import hook
	@touch $@

demo: $(STAMP)
	@$(BIN)/accountant demo

up: $(STAMP)
	@exec $(BIN)/accountant up $(call option,name,NAME) $(call option,port,PORT) $(call option,follow,FOLLOW)

test: $(STAMP) browser
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# What tests/browser drives. Root gets Debian's, where there is none; for anybody else those tests are skipped.
browser:
	@command -v chromium >/dev/null || test "$$(id -u)" -ne 0 || ! command -v apt-get >/dev/null || { \
	  echo "Installing Debian's Chromium, for the tests in a browser"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -qq -y --no-install-recommends chromium; } >/dev/null || \
	  echo "Chromium was not installed: the tests in a browser are skipped" >&2; }

lint: $(STAMP)
	$(BIN)/ruff format --check $(HERE)
	$(BIN)/ruff check $(HERE)
	$(BIN)/mypy $(filter-out migrations,$(HERE))
	$(BIN)/lint-imports --no-logo
	$(BIN)/vulture
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

format: $(STAMP)
	$(BIN)/ruff format $(HERE)
	$(BIN)/ruff check --fix $(HERE)

# Versions anew. The lock names no index, so that any mirror will do; `exclude-dependencies` in pyproject.toml keeps CUDA out.
lock: $(STAMP)
	$(BIN)/uv pip compile pyproject.toml --extra dev --upgrade --quiet \
	  --python-version 3.11 --no-header --no-emit-index-url --output-file requirements.lock
	@! grep -n '://\|--index\|--find-links\|^nvidia-[^m]\|^triton' requirements.lock || \
	  { echo "requirements.lock must name no index, no address and nothing of CUDA" >&2; exit 1; }

bench: $(STAMP)
	@test -n "$(NAME)" || { echo "usage: make bench NAME=… [FILE=…]" >&2; exit 2; }
	@$(BIN)/python -m benchmarks.$(NAME) $(FILE)

# The recorded vectors on a GPU, if there is one: the lock's torch is for CPUs, so install a build for yours first.
gpu-check: $(STAMP)
	$(BIN)/python -m pytest -q tests/tensors/test_device.py
	$(BIN)/python -m benchmarks.gpu_check

# The contract in C anew. Needs the extra: $(BIN)/python -m pip install -e '.[other-languages]'
auction: $(STAMP)
	cd accountant/library/c && $(abspath $(BIN))/python -m ziglang cc @flags -o auction.wasm auction.c && \
	  chmod 644 auction.wasm && sha256sum anh.h auction.c auction.wasm flags > SHA256SUMS

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
