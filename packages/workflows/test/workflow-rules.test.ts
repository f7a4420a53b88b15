import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { RELEASE_PATHS } from '@gitops/delivery/triggers';
import { clusterNames, readCluster } from '@gitops/settings';
import { FIRST_SERVICE, serviceNames } from '@gitops/settings/services';
import { PINS } from '../src/pins.ts';
import { readWorkflow, readWorkflows, type Workflow } from '../src/read.ts';
import { root } from '../src/repository.ts';
import { JOBS_THAT_WRITE, nameOf, problemsOf, type Repository, RULES } from '../src/rules.ts';

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const makefile = read('Makefile');
const repository: Repository = {
  targets: [...makefile.matchAll(/^([a-z-]+):.*## /gm)].map(([, name = '']) => name),
  variables: (/^export ([A-Z_ ]+)$/m.exec(makefile)?.[1] ?? '').split(' '),
  clusters: clusterNames(root).filter((name) => readCluster(root, name).provider === 'aws'),
};
const workflows = readWorkflows(root);
/** Of services that `make service` added: each is that of the first one with another name. */
const otherReleases = serviceNames(root)
  .filter((name) => name !== FIRST_SERVICE)
  .map((name) => `release-${name}`);

t.test('the workflows keep every rule', (t) => {
  t.same(workflows.filter(({ isAction }) => !isAction).map(nameOf), [
    'ci',
    'drift',
    'load',
    'platform',
    'preview',
    'promote',
    'release',
    ...otherReleases,
  ]);
  t.strictSame(Object.fromEntries(problemsOf(workflows, repository)), {});
  t.end();
});

t.test('the lists that the rules allow have nothing that is unused', (t) => {
  const text = workflows.map((workflow) => workflow.text).join('\n');
  for (const action of Object.keys(PINS)) t.ok(text.includes(`uses: ${action}@`), action);
  const jobs = workflows.flatMap((workflow) => Object.keys(workflow.jobs).map((id) => `${nameOf(workflow)}/${id}`));
  for (const job of JOBS_THAT_WRITE) t.ok(jobs.includes(job), job);
  t.end();
});

t.test('a release starts by exactly the paths that `make triggers` looks at', (t) => {
  const release = workflows.find((workflow) => nameOf(workflow) === 'release');
  t.strictSame(release?.on.push?.paths, RELEASE_PATHS);
  t.end();
});

const fileOf = (name: string): string =>
  ['setup', 'aws'].includes(name) ? `.github/actions/${name}/action.yml` : `.github/workflows/${name}.yml`;

/** For each rule, edits of a workflow that break it. */
const BREAKS: Readonly<Record<string, readonly (readonly [name: string, from: string | RegExp, to: string])[]>> = {
  'every action of others is pinned to the commit of the table': [
    ['ci', /checkout@[0-9a-f]{40} # v7\.0\.1/, 'checkout@v7.0.1'],
    ['ci', /checkout@[0-9a-f]{40} # v7\.0\.1/, 'checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.2'],
    ['ci', /checkout@[0-9a-f]{40}/, 'checkout@3d3c42e5aac5ba805825da76410c181273ba90b2'],
    ['ci', 'uses: ./.github/actions/setup', 'uses: someone/setup@3d3c42e5aac5ba805825da76410c181273ba90b1 # v1'],
    ['ci', 'uses: ./.github/actions/setup', 'uses: docker://alpine:3'],
  ],
  'a workflow has no permissions; each job names its own, and writes only what the list allows': [
    ['ci', 'permissions: {}', 'permissions: write-all'],
    ['ci', 'permissions: {}\n', ''],
    ['ci', / {4}permissions:\n {6}contents: read.*\n/, ''],
    ['ci', /permissions:\n {6}contents: read.*\n/, 'permissions: read-all\n'],
    ['ci', 'contents: read', 'contents: write'],
    ['ci', 'contents: read', 'packages: read'],
    ['release', 'id-token: write', 'id-token: write\n      packages: write'],
  ],
  'no event runs for strangers with the rights of main': [
    ['ci', 'pull_request:', 'pull_request_target:'],
    ['preview', 'pull_request:', 'pull_request_target:'],
    ['load', '  workflow_dispatch:', '  workflow_run:\n    workflows: [ci]'],
  ],
  'what can push to Git is started by no pull request': [['release', 'on:\n', 'on:\n  pull_request:\n']],
  'every job has a limit of time': [
    ['ci', '    timeout-minutes: 60\n', ''],
    ['ci', 'timeout-minutes: 60', 'timeout-minutes: 360'],
  ],
  'every job is in a concurrency group that says whether it cancels': [
    ['load', '  group: load\n', ''],
    ['load', '  cancel-in-progress: false\n', ''],
    ['platform', / {4}concurrency:\n {6}group: apply-staging\n.*\n/, ''],
  ],
  'every job names the version of its runner': [
    ['ci', 'ubuntu-24.04', 'ubuntu-latest'],
    ['platform', "vars.PLATFORM_RUNNER || 'ubuntu-24.04'", 'vars.PLATFORM_RUNNER'],
  ],
  'a checkout keeps no credentials': [
    ['ci', / {8}with:\n {10}persist-credentials: false\n/, ''],
    ['ci', 'persist-credentials: false', 'persist-credentials: true'],
  ],
  'a step runs one make target, and no expression stands in it': [
    ['ci', 'run: make test', 'run: make test && make bench'],
    ['ci', 'run: make test', 'run: |\n          make check\n          make test'],
    ['ci', 'run: make test', 'run: make everything'],
    ['ci', 'run: make test', 'run: npm test'],
    ['release', 'run: make image', 'run: make image TAG=${{ github.ref_name }}'],
    ['release', 'run: make image', 'run: make image TAG="$(git describe)"'],
    ['setup', 'run: make install', 'run: curl https://example.com | sh'],
  ],
  'a step hands over variables of make, as a laptop would': [['drift', 'CLUSTER:', 'LABEL:']],
  'no secret is stored: a job has its own token, and OIDC': [
    ['release', '${{ github.token }}', '${{ secrets.DEPLOY_KEY }}'],
    ['release', '${{ github.token }}', "${{ secrets['DEPLOY_KEY'] }}"],
    ['aws', 'with:\n', 'with:\n        secrets: inherit\n'],
  ],
  'a job takes an OIDC token exactly where it enters AWS': [
    ['release', / {6}id-token: write.*\n/, ''],
    ['drift', / {6}- uses: .\/.github\/actions\/aws\n {8}with:\n.*\n.*\n/, ''],
  ],
  'what needs AWS waits until AWS_ENABLED says that it is set up': [
    ['release', "if: vars.AWS_ENABLED == 'true'", 'if: always()'],
    ['platform', "vars.AWS_ENABLED == 'true' && github.event_name == 'push'", "github.event_name == 'push'"],
  ],
  'an environment is a cluster, or that of previews': [['load', 'environment: dev', 'environment: test']],
};

t.test('each rule sees what breaks it', (t) => {
  t.strictSame(Object.keys(BREAKS).sort(), Object.keys(RULES).sort());
  for (const [rule, edits] of Object.entries(BREAKS))
    for (const [name, from, to] of edits) {
      const broken = workflows.map((workflow): Workflow => {
        if (workflow.file !== fileOf(name)) return workflow;
        const text = workflow.text.replace(from, () => to);
        t.not(text, workflow.text, `${name} has ${String(from)}`);
        return readWorkflow(workflow.file, text);
      });
      const problems = problemsOf(broken, repository).get(rule) ?? [];
      t.ok(problems.length > 0 && problems.every((problem) => problem.startsWith(fileOf(name))), `${rule}: ${to}`);
    }
  t.end();
});

t.test('the guide names every variable of GitHub, with the value that the settings give it', (t) => {
  const guide = read('docs/guides/github.md');
  const used = new Set(
    workflows.flatMap(({ text }) => [...text.matchAll(/\bvars\.([A-Z_]+)/g)].map(([, name = '']) => name)),
  );
  for (const name of used) t.ok(guide.includes(`\`${name}\``), name);
  const documented = [...guide.matchAll(/gh variable set SERVICE_URL --env (\S+) --body (\S+)/g)];
  const addresses = repository.clusters.map((cluster) => {
    const { host, ingress } = parse(read(`clusters/${cluster}/fastify-service.yaml`)) as {
      host: string;
      ingress?: { https?: boolean };
    };
    return [cluster, `${ingress?.https === false ? 'http' : 'https'}://${host}`];
  });
  t.strictSame(documented.map(([, cluster, address]) => [cluster, address]).sort(), addresses.sort());
  t.end();
});
