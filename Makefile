# The verbs of this checkout. `make lab` is the whole product on this machine; `make test` is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: lab lab-llm lab-homelab lab-down check test trial lint unit bench lock clean

lab: $(VENV)/ready
	$(BIN)/slipway lab up
	$(BIN)/slipway apply inventories/lab.yaml --yes
	$(BIN)/slipway lab demo

# a lab that serves a model; the first one fetches and builds for a quarter of an hour more
lab-llm: $(VENV)/ready
	$(BIN)/slipway lab up --name lab-llm --subnet 10.89.17.0/24
	$(BIN)/slipway apply inventories/lab-llm.yaml --yes
	$(BIN)/slipway lab demo --name lab-llm

# the same on k3s, with a simulated GPU in the model's pod
lab-homelab: $(VENV)/ready
	$(BIN)/slipway lab up --name lab-homelab --subnet 10.89.18.0/24 --versions v1.36.3+k3s1
	$(BIN)/slipway lab hardware --name lab-homelab n2 two-a770
	$(BIN)/slipway apply inventories/lab-homelab.yaml --yes
	$(BIN)/slipway lab demo --name lab-homelab

lab-down: $(VENV)/ready
	$(BIN)/slipway lab down

# lint, types and every test that needs no machine but this one
check: lint unit

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/ready
	$(BIN)/pytest tests/unit --timeout 120

# everything, the lab's real hosts included (root, containers, minutes)
test: check
	$(BIN)/pytest tests/lab -m "not trial" --timeout 3000 --durations=25

# lab tests that have not been seen green from bare hosts in one go
trial: $(VENV)/ready
	$(BIN)/pytest tests/lab -m trial --timeout 3000 --durations=25

# all of it, or some: make bench PARTS="one cluster ansible k3s models gpus many"
bench: $(VENV)/ready
	$(BIN)/python -m tests.bench $(PARTS)

$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && echo "installing python3-venv" && apt-get -qq update && apt-get -qq install -y python3-venv && $(PYTHON) -m venv $(VENV); } \
	  || { echo "$(PYTHON) cannot make a virtual environment; as root on Debian: apt-get install -y python3-venv"; exit 2; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q $(VENV)/lib deploy checks  # or every run compiles what it imports
	@touch $@

# after a change of pyproject.toml
lock:
	uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache
