# SPDX-License-Identifier: Apache-2.0
# Entry points only: what they do is in Python.

PYTHON ?= python3
VENV ?= .venv
CLUSTERS ?=
API ?=
HOSTS ?=
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Programs of the environment come first, also for what our programs start.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(VENV)/collections
export MOLECULE_GLOB := molecule/*/molecule.yml

.DEFAULT_GOAL := help
.PHONY: help venv demo demo-pulumi test test-faults lint unit api secrets pulumi faults sanity oldest newest cores ecosystem ansible-lint galaxy ee molecule hosts nsm e2e docs generate check-generated lab-up lab-down env bench collection clean

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 18

venv: $(READY) ## the Python environment in .venv, made anew when requirements change

$(READY): $(wildcard requirements/*.txt)
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements/test.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	$(BIN)/python -m tests.collection dependencies
	touch $@

demo: venv ## two clusters and a mesh over both, from nothing; or on MESH_INVENTORY
	$(BIN)/python -m demo.run $(ARGS)

demo-pulumi: venv ## the same from a Pulumi program; ARGS=--destroy takes it away again
	$(BIN)/python -m demo.pulumi $(ARGS)

test: venv ## all checks, as continuous integration runs them; ARGS="STAGE... --keep-lab"
	$(BIN)/python -m tests.run $(ARGS)

lint: venv ## the checks that take seconds
	$(BIN)/python -m tests.run ruff mypy imports generated spdx changelog $(ARGS)

test-faults: venv ## every request of a run fails in every way (more than an hour); the result goes to docs/reliability.md
	$(BIN)/python -m tests.run faults-full $(ARGS)

unit api secrets pulumi faults sanity oldest newest cores ecosystem ansible-lint galaxy ee molecule hosts nsm e2e: venv
	$(BIN)/python -m tests.run $@ $(ARGS)

unit: ## tests without a cluster
api: ## tests against a real API server of the lab
secrets: ## canaries in every secret field turn up nowhere
pulumi: ## the Pulumi provider with the real engine
faults: ## every request of a run fails once; FAULT_SEED=N repeats a run
sanity: ## ansible-test sanity on the collection as it ships
oldest: ## the Ansible front with the oldest ansible-core and libraries that are supported
newest: ## ansible-test sanity with the newest ansible-core
cores: ## all unit tests by ansible-test, with the oldest and the newest ansible-core (many minutes)
ecosystem: ## ansible-navigator, and Mitogen present and absent
ansible-lint: ## ansible-lint, profile production
galaxy: ## what Galaxy's importer says of the tarball
ee: ## what ansible-builder makes of the collection
molecule: ## the scenario of each role on the lab; ARGS=--keep-lab, then molecule test -s ROLE by hand
hosts: ## tests of the lab's hosts: boot, reboot, packages, nothing left behind
nsm: ## tests of the lab's domains of Network Service Mesh, with real SPIRE
e2e: ## tests in the lab's two clusters

generate: venv ## write what follows from the specs
	$(BIN)/python -m generate

check-generated: venv ## fail if something generated is stale
	$(BIN)/python -m generate --check

lab-up: venv ## the lab's clusters; CLUSTERS="onprem cloud", API=1 for the bare API server, HOSTS=2 for hosts, DOMAINS=2 for domains of NSM beside them
	$(BIN)/python -m lab up $(if $(CLUSTERS),--clusters $(CLUSTERS)) $(if $(API),--api) $(if $(HOSTS),--hosts $(HOSTS)) $(if $(DOMAINS),--domains $(DOMAINS))

lab-down: venv ## remove all that the lab made
	$(BIN)/python -m lab down

env: venv ## what to export to work with the lab by hand
	@$(BIN)/python -m lab env
	@echo 'export PATH=$(CURDIR)/$(BIN):"$$PATH"'
	@echo 'export ANSIBLE_COLLECTIONS_PATH=$(ANSIBLE_COLLECTIONS_PATH)'



bench: venv ## measure against what people use today; writes docs/performance.md; ARGS="a --rounds 1"
	$(BIN)/python -m bench $(ARGS)

docs: venv ## the reference of modules, roles and plugins as a site in build/docs
	$(BIN)/python -m tests.docsite build

collection: venv ## the collection's tarball in dist/
	$(BIN)/python -m tests.collection build

clean: ## the lab, the environment and everything built
	test ! -d .lab || $(MAKE) lab-down
	rm -rf $(VENV) .lab .ansible build dist tests/output .*_cache .cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
