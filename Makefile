# Thin on purpose: each target calls a command of the same name in typed code. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: up status logs env down deploy ship unit test bench install help rollback resume charts check diff render explain capacity flows synth plan apply unlock cost kubeconfig image migrate-state destroy

# The variables that commands take. They reach the programs through the environment, never through a shell's command line;
# a command refuses those that it does not take.
export APP BASE CLUSTER CONFIRM DIGEST DIRTY FROM ID KEY RECOVER STACK TAG YES
# The variables of this file, which may be set on the command line of any target.
export MAKEFILE_VARIABLES := NODE COMPILED LOCAL MANIFESTS PLATFORM VERIFY BENCHES

NODE := node_modules/.bin/node
# Commands start faster and smaller from what was compiled before. Not so tests: what is covered would be counted less exactly.
COMPILED := NODE_COMPILE_CACHE=.local/compiled $(NODE)
LOCAL := $(COMPILED) packages/local/src/main.ts
MANIFESTS := $(COMPILED) packages/manifests/src/main.ts
# A small nursery for new objects and no optimizing compiler: synthesis takes 60 MB less so, and no more time.
PLATFORM := $(COMPILED) --max-semi-space-size=2 --no-opt platform/src/main.ts
VERIFY := $(NODE) packages/verify/src/main.ts

##@ Newcomer: all of it on this machine

up: install ## start Kubernetes, Git and Argo CD on this machine and deploy this repository
	@$(LOCAL) up

status: install ## show Applications and what is wrong with them, processes, addresses, accounts
	@$(LOCAL) status

logs: install ## follow the logs of every process
	@$(LOCAL) logs

env: install ## print shell exports for kubectl, helm, argocd and git: eval "$(make env)"
	@$(LOCAL) env

down: install ## end every process; the state stays for the next up
	@$(LOCAL) down

##@ Developer: deploy and test

deploy: install ## publish the work tree to the local main, as a merge would, and wait
	@$(LOCAL) deploy

ship: install ## CI's part: TAG=0.2.0 [DIGEST=sha256:…] [APP=fastify-service] as one commit, and wait
	@$(LOCAL) ship

unit: install ## format, types, lint and unit tests
	@$(VERIFY) unit

test: install ## all tests: unit, integration, and the drills against a real stack of their own
	@$(VERIFY) test

# Each part runs, even where the one before failed.
BENCHES := service packages/manifests platform e2e
bench: install ## measure service, rendering, platform and deployments; prints tables, writes .local/bench*.json
	@failed=; for part in $(BENCHES); do $(NODE) $$part/bench/main.ts || failed="$$failed $$part"; done; \
	[ -z "$$failed" ] || { echo "error: not all could be measured:$$failed" >&2; echo " next: see the lines 'not measured' above; the other figures are in .local/bench*.json" >&2; exit 1; }

install: ## install pnpm, Node and the packages of the workspace (every other target does so by itself)
	@command -v node >/dev/null 2>&1 || { echo "error: Node.js 20 or newer is needed and no 'node' is on the PATH" >&2; echo " next: install it from https://nodejs.org and run make again" >&2; exit 1; }
	@node packages/local/bootstrap.mjs

help: ## this list
	@awk -F ':.*## ' '/^##@/ { printf "%s%s\n", (n++ ? "\n" : ""), substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-15s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

##@ On-call: roll back

rollback: install ## APP=fastify-service back to the version before, or to [ID=3]; it stays until `make resume`
	@$(LOCAL) rollback

resume: install ## hand APP=fastify-service back to Git
	@$(LOCAL) resume

##@ Platform engineer: what Git would deploy

charts: install ## fetch the upstream charts that argocd/ names, and check their sums; [FROM=a folder with archives]
	@$(MANIFESTS) charts

check: install ## find everything that is wrong with charts, values and applications, with file and line
	@$(MANIFESTS) check

diff: install ## show what merging this work tree would change in the clusters, compared with [BASE=origin/main]
	@$(MANIFESTS) diff

render: install ## show what Argo CD would apply, as YAML: [CLUSTER=production] [APP=fastify-service]
	@$(MANIFESTS) render

explain: install ## show which line set a value: CLUSTER=production APP=fastify-service [KEY=resources.memory]
	@$(MANIFESTS) explain

capacity: install ## show whether each cluster holds its pods when a zone is lost: [CLUSTER=production]
	@$(MANIFESTS) capacity

flows: install ## show which connections the NetworkPolicies let through: [CLUSTER=production] [APP=fastify-service]
	@$(MANIFESTS) flows

##@ Platform engineer: AWS

synth: install ## write the stacks to platform/cdktf.out
	@$(PLATFORM) synth

plan: install ## show what an apply would change in AWS: CLUSTER=dev, or STACK=registry
	@$(PLATFORM) plan

apply: install ## apply the settings to AWS: CLUSTER=dev, or STACK=registry; asks for each stack, unless [YES=yes]
	@$(PLATFORM) apply

unlock: install ## remove the lock ID=… from STACK=registry, whose holder was killed; asks first
	@$(PLATFORM) unlock

cost: install ## show what each cluster costs a month by list price, against its budget: [CLUSTER=dev]
	@$(PLATFORM) cost

kubeconfig: install ## add CLUSTER=dev to your kubeconfig and make it the current context
	@$(PLATFORM) kubeconfig

image: install ## build and push the image of the service: TAG=0.2.0; [DIRTY=yes] allows uncommitted changes
	@$(PLATFORM) image

migrate-state: install ## move the state from this machine to S3, once `state` in clusters/shared/cluster.yaml is s3
	@$(PLATFORM) migrate-state

destroy: install ## delete CLUSTER=dev, and prove that nothing billable stays; asks first, unless [CONFIRM=dev]
	@$(PLATFORM) destroy
