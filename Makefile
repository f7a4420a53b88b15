# Thin on purpose: each target calls the command of the same name. `make` without a target lists them.
.DEFAULT_GOAL := help
.PHONY: up status monitoring logs env down deploy ship load dash dashboards unit test soak sbom scan image-scan bench install help rollback resume backup restore service charts check diff render explain capacity flows synth plan drift apply unlock cost kubeconfig image ci-role migrate-state destroy bump promote promotions history comment triggers

# The variables of the commands. They reach the programs through the environment, never through a shell's command line;
# a command refuses variables that it does not have.
export ACCEPT ADDRESS ALLOW_OLDER APP ARGOCD BASE BODY CLUSTER COMMIT CONFIRM DIGEST DIRTY DOCKER DRY DURATION EFFECT EMERGENCY FROM HEAD ID KEY LIMIT MARKDOWN NAME PLATFORMS PREVIEW PULL_REQUEST RATE RECOVER REMOTE REMOVE ROLE SCENARIO STACK TAG TIMEOUT TO YES
# Variables of this file, allowed on the command line of any target.
export MAKEFILE_VARIABLES := NODE COMPILED LOAD LOCAL MONITORING MANIFESTS PLATFORM VERIFY BENCHES DELIVERY SERVICES

NODE := node_modules/.bin/node
# A compile cache makes commands start faster. Tests run without it, since coverage would be less exact.
COMPILED := NODE_COMPILE_CACHE=.local/compiled $(NODE)
LOAD := $(COMPILED) packages/load/src/main.ts
LOCAL := $(COMPILED) packages/local/src/main.ts
MONITORING := $(COMPILED) packages/monitoring/src/main.ts
MANIFESTS := $(COMPILED) packages/manifests/src/main.ts
DELIVERY := $(COMPILED) packages/delivery/src/main.ts
SERVICES := $(COMPILED) packages/services/src/main.ts
# Small semi-space and no optimizing compiler: synthesis takes 60 MB less, and no more time.
PLATFORM := $(COMPILED) --max-semi-space-size=2 --no-opt platform/src/main.ts
VERIFY := $(NODE) packages/verify/src/main.ts

##@ Newcomer: all of it on this machine

up: install ## start Kubernetes, Git and Argo CD here and deploy this repository; [ARGOCD=/path/to/a/release]
	@$(LOCAL) up

status: install ## show Applications and what is wrong with them, pods, processes, addresses, accounts
	@$(LOCAL) status

monitoring: install ## start Prometheus and Alertmanager beside it, with the rules and routes of the deployed commit
	@$(LOCAL) monitoring

logs: install ## follow the logs of every process, or of the pods of [APP=fastify-service]
	@$(LOCAL) logs

env: install ## print shell exports for kubectl, helm, argocd and git: eval "$(make env)"
	@$(LOCAL) env

down: install ## stop every process; the state stays for the next up
	@$(LOCAL) down

##@ Developer: deploy and test

deploy: install ## publish the work tree to the local main, as a merge would, and wait
	@$(LOCAL) deploy

ship: install ## CI's part: build and push the service's image [TAG=0.2.0], commit its tag and digest, wait
	@$(LOCAL) ship

load: install ## load on the service, judged and drawn: [SCENARIO=spike] [DURATION=5m] [ADDRESS=URL] [RATE=400]
	@$(LOAD) load

dash: install ## show the dashboards with their data: [DURATION=1h] [ADDRESS=URL of a Prometheus]
	@$(MONITORING) dash

dashboards: install ## write charts/monitoring/dashboards/ from packages/monitoring
	@$(MONITORING) dashboards

unit: install ## format, types, lint and unit tests
	@$(VERIFY) unit

test: install ## all tests: unit, integration, and the drills against real stacks
	@$(VERIFY) test

soak: install ## the long drills under load, against a real stack of their own: [DURATION=1h]
	@$(VERIFY) soak
sbom: install ## write the bill of materials of the service's image: .local/sbom.cdx.json
	@$(VERIFY) sbom

scan: install ## fail for known vulnerabilities of the service that the policy in .github/ does not accept
	@$(VERIFY) scan

image-scan: install ## wait for ECR's scan of the service's image, and fail as scan does: DIGEST=sha256:… [TIMEOUT=10m]
	@$(VERIFY) image-scan

# Every part runs, even if an earlier one failed.
BENCHES := service packages/manifests packages/delivery platform e2e
bench: install ## measure service, rendering, platform and deployments; prints tables, writes .local/bench*.json
	@failed=; for part in $(BENCHES); do $(NODE) $$part/bench/main.ts || failed="$$failed $$part"; done; \
	[ -z "$$failed" ] || { echo "error: not everything could be measured:$$failed" >&2; echo " next: see the lines 'not measured' above; the other figures are in .local/bench*.json" >&2; exit 1; }

install: ## install pnpm, Node and the packages of the workspace (done by every other target)
	@command -v node >/dev/null 2>&1 || { echo "error: Node.js 20 or newer is needed and no 'node' is on the PATH" >&2; echo " next: install it from https://nodejs.org and run make again" >&2; exit 1; }
	@node packages/local/bootstrap.mjs

help: ## this list
	@awk -F ':.*## ' '/^##@/ { printf "%s%s\n", (n++ ? "\n" : ""), substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-15s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

##@ On-call: roll back

rollback: install ## APP=fastify-service back to the previous version, or to [ID=3]; it stays until `make resume`
	@$(LOCAL) rollback

resume: install ## show what main has for APP=fastify-service, then hand it back to Git; [DRY=yes] only shows
	@$(LOCAL) resume

backup: install ## write Argo CD's state, with history and secrets, to .local/backups/
	@$(LOCAL) backup

restore: install ## start everything with Argo CD's state of a backup: FROM=file
	@$(LOCAL) restore

##@ Platform engineer: what Git would deploy

service: install ## add a service to the fleet: NAME=orders; [REMOVE=yes] removes it
	@$(SERVICES) service

charts: install ## fetch the upstream charts that argocd/ names, and check their sums; [FROM=a folder with archives]
	@$(MANIFESTS) charts

check: install ## find everything that is wrong with charts, values and applications, with file and line
	@$(MANIFESTS) check

diff: install ## show what merging this work tree would change in the clusters: [BASE=origin/main] [MARKDOWN=file]
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

plan: install ## show what an apply would change in AWS, in words too: CLUSTER=dev, or STACK=registry; [ACCEPT=…]
	@$(PLATFORM) plan

drift: install ## fail where AWS differs from the settings of CLUSTER=dev
	@$(PLATFORM) drift

apply: install ## apply the settings to AWS: CLUSTER=dev, or STACK=registry; asks, unless [YES=yes]; [ACCEPT=…]
	@$(PLATFORM) apply

unlock: install ## remove the lock ID=… from STACK=registry, whose holder was killed; asks first
	@$(PLATFORM) unlock

cost: install ## show what each cluster costs a month by list price, against its budget: [CLUSTER=dev]
	@$(PLATFORM) cost

kubeconfig: install ## add CLUSTER=dev to your kubeconfig and make it the current context
	@$(PLATFORM) kubeconfig

image: install ## build and push the image of the service: TAG=0.2.0; [DOCKER=yes] [DIRTY=yes] [PREVIEW=12]
	@$(PLATFORM) image

ci-role: install ## print the AWS role of a CI job: ROLE=plan [CLUSTER=dev]
	@$(PLATFORM) ci-role

migrate-state: install ## move the state from this machine to S3, once `state` in clusters/shared/cluster.yaml is s3
	@$(PLATFORM) migrate-state

destroy: install ## delete CLUSTER=dev, and prove that nothing billable is left; asks first, unless [CONFIRM=dev]
	@$(PLATFORM) destroy

##@ CI: deploy by commits

bump: install ## deploy an image by one commit: CLUSTER=dev TAG=0.2.0 DIGEST=sha256:… [PLATFORMS=…] [COMMIT=…]
	@$(DELIVERY) bump

promote: install ## open a pull request that gives TO=production the image that FROM=staging runs
	@$(DELIVERY) promote

promotions: install ## check in Git that every cluster only got images that the one before it ran
	@$(DELIVERY) promotions

history: install ## show who deployed, promoted and rolled back what and when: [CLUSTER=production] [LIMIT=20]
	@$(DELIVERY) history

comment: install ## keep one comment on PULL_REQUEST=12 up to date with the Markdown of BODY=file
	@$(DELIVERY) comment

triggers: install ## say whether what came to main since BASE=commit needs a release
	@$(DELIVERY) triggers
