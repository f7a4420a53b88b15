# Thin on purpose: each target hands over to typed code in packages/. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help install up down status deploy ship rollback resume env logs render check explain capacity flows diff synth plan apply unlock cost kubeconfig image migrate-state destroy test bench

# Values reach the programs through the environment, never through a shell's command line.
export TAG DIGEST APP ID CLUSTER KEY BASE STACK YES DIRTY RECOVER

NODE := node_modules/.bin/node
# Commands start faster and smaller from what was compiled before. Not so tests: what is covered would be counted less exactly.
COMPILED := NODE_COMPILE_CACHE=.local/compiled $(NODE)
LOCAL := $(COMPILED) packages/local/src/main.ts
MANIFESTS := $(COMPILED) packages/manifests/src/main.ts
# A small nursery for new objects and no optimizing compiler: synthesis takes 60 MB less so, and no more time.
PLATFORM := $(COMPILED) --max-semi-space-size=2 --no-opt platform/src/main.ts

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):[^#]*## /  make \1@/' | awk -F@ '{ printf "%-22s%s\n", $$1, $$2 }'

install: ## bring pnpm, Node and the workspace's packages (every other target does so by itself)
	@command -v node >/dev/null 2>&1 || { echo "error: Node.js 20 or newer is needed and no 'node' is on the PATH" >&2; echo " next: install it from https://nodejs.org and run make again" >&2; exit 1; }
	@node packages/local/bootstrap.mjs

up: install ## start Kubernetes, Git and Argo CD on this machine and deploy this repository
	@$(LOCAL) up

down: install ## end every process; the state stays for the next up
	@$(LOCAL) down

status: install ## Applications and what is wrong with them, processes, addresses, accounts
	@$(LOCAL) status

deploy: install ## publish the work tree to the local main, as a merge would, and wait
	@$(LOCAL) deploy

ship: install ## CI's part: TAG=0.2.0 [DIGEST=sha256:...] [APP=fastify-service] as one commit, and wait
	@$(LOCAL) ship

rollback: install ## on-call's part: APP=fastify-service [ID=3] back to an earlier version, and it stays
	@$(LOCAL) rollback

resume: install ## hand APP=fastify-service back to Git after a rollback
	@$(LOCAL) resume

env: install ## shell exports for kubectl, helm, argocd and git: eval "$(make env)"
	@$(LOCAL) env

logs: install ## follow the logs of every process
	@$(LOCAL) logs

check: install ## charts, values and applications of every cluster: all that is wrong, with file and line
	@$(MANIFESTS) check

render: install ## what Argo CD would apply, as YAML: [CLUSTER=production] [APP=fastify-service]
	@$(MANIFESTS) render

explain: install ## CLUSTER=production APP=fastify-service KEY=resources.memory: which line set it, and what it sets
	@$(MANIFESTS) explain

capacity: install ## whether each cluster holds its pods when a zone is lost: [CLUSTER=production]
	@$(MANIFESTS) capacity

flows: install ## which connections the NetworkPolicies let through: [CLUSTER=production]
	@$(MANIFESTS) flows

diff: install ## what merging this work tree would change in the clusters, against BASE=origin/main
	@$(MANIFESTS) diff

synth: install ## the platform's stacks, written to platform/cdktf.out
	@$(PLATFORM) synth

plan: install ## what an apply would change in AWS: CLUSTER=dev, or STACK=registry
	@$(PLATFORM) plan

apply: install ## make AWS as the settings say, stack by stack; asks before each: CLUSTER=dev, or STACK=registry
	@$(PLATFORM) apply

unlock: install ## take the lock ID=... off the state of STACK=registry, whose holder was killed; asks before
	@$(PLATFORM) unlock

cost: install ## what each cluster costs a month by list price, against its budget: [CLUSTER=dev]
	@$(PLATFORM) cost

kubeconfig: install ## add CLUSTER=dev to your kubeconfig and make it the current context
	@$(PLATFORM) kubeconfig

image: install ## build the image of the service as TAG=0.2.0 and push it to the registry
	@$(PLATFORM) image

migrate-state: install ## move the platform's state from this machine to S3, once `state` in clusters/shared/cluster.yaml says so
	@$(PLATFORM) migrate-state

destroy: install ## take CLUSTER=dev down in order, and prove that nothing billable stays
	@$(PLATFORM) destroy

test: install ## types, lint, unit tests and the drills against a real stack of their own
	@$(NODE) packages/verify/src/main.ts

bench: install ## measure the service, rendering, the platform, deployments, rollbacks and starts; prints tables, writes .local/bench*.json
	@$(NODE) service/bench/main.ts
	@$(NODE) packages/manifests/bench/main.ts
	@$(NODE) platform/bench/main.ts
	@$(NODE) e2e/bench/main.ts
