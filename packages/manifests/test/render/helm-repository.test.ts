import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { progressTo } from '@gitops/report/progress';
import { chartsCommand, localCharts } from '@gitops/tools/charts';
import { serveCharts } from '@gitops/tools/helm-repository';
import { SAMPLE_CHART, writeSampleChart } from '@gitops/tools/sample-chart';
import { ensureTools } from '@gitops/tools/tools';
import { effect, provenance } from '../../src/commands/explanation.ts';
import { renderFleet } from '../../src/render/fleet.ts';
import { uncheckedLine } from '../../src/render/unchecked.ts';
import { keysOf } from '../../src/render/values.ts';
import { copy, edit, open } from '../helper.ts';

// How charts of a Helm repository are fetched, rendered and checked without a network: a small chart in a repository
// on loopback, deployed as the controllers are.

const scratch = mkdtempSync(join(tmpdir(), 'helm-repository-test-'));
const { bin } = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });
const repository = await serveCharts(join(bin, 'helm'), [writeSampleChart(join(scratch, 'chart'))]);
t.teardown(async () => {
  await repository.close();
  rmSync(scratch, { recursive: true, force: true });
});

const SET = `argocd/applications/${SAMPLE_CHART}.yaml`;
const SHARED = `clusters/shared/${SAMPLE_CHART}.yaml`;
const DEV = `clusters/dev/${SAMPLE_CHART}.yaml`;
const PROJECT = 'argocd/projects/templates/controllers.yaml';

/** As metrics-server has it, with the names of the sample in place of its own. */
function applicationSet(folder: string): string {
  return (
    readFileSync(join(folder, 'argocd/applications/metrics-server.yaml'), 'utf8')
      .replace('            metrics-server: enabled\n', '')
      // The sample takes any calls.
      .replace('/argocd/network-policies/metrics-server;', '')
      .replace(/ *# The chart has no NetworkPolicy\.\n *path: .*\n/, '')
      .replace('https://kubernetes-sigs.github.io/metrics-server', repository.url)
      .replace(/targetRevision: [\d.]+/, 'targetRevision: 1.0.0')
      .replaceAll('metrics-server', SAMPLE_CHART)
  );
}

/** A copy of the repository with one cluster, which runs the sample chart besides what it runs. */
function copyWithSample(t: Test): string {
  const folder = copy(t);
  for (const cluster of ['local', 'staging', 'production'])
    rmSync(join(folder, 'clusters', cluster), { recursive: true });
  edit(folder, 'clusters/slo.yaml', '  local:\n    latency:\n      percent: 95\n', '');
  writeFileSync(join(folder, SET), applicationSet(folder));
  writeFileSync(join(folder, SHARED), 'greeting:\n  repeat: 3\n');
  writeFileSync(join(folder, DEV), 'replicas: 2\n');
  edit(folder, PROJECT, '  sourceRepos:\n', `  sourceRepos:\n    - ${repository.url}\n`);
  edit(
    folder,
    PROJECT,
    '  destinations:\n',
    `  destinations:\n    - { server: https://kubernetes.default.svc, namespace: ${SAMPLE_CHART} }\n`,
  );
  edit(
    folder,
    PROJECT,
    '  clusterResourceWhitelist:\n',
    '  clusterResourceWhitelist:\n    - { group: apiextensions.k8s.io, kind: CustomResourceDefinition, name: "*.sample.example.com" }\n',
  );
  edit(
    folder,
    PROJECT,
    '  namespaceResourceWhitelist:\n',
    '  namespaceResourceWhitelist:\n    - { group: sample.example.com, kind: Greeting }\n',
  );
  // What only production renders.
  for (const project of ['argocd', 'monitoring'])
    edit(
      folder,
      `argocd/projects/templates/${project}.yaml`,
      '    - { group: policy, kind: PodDisruptionBudget }\n',
      '',
    );
  const NAMESPACE = '    - { group: "", kind: Namespace, name: metrics-server }\n';
  edit(
    folder,
    'argocd/root/templates/project.yaml',
    NAMESPACE,
    NAMESPACE.replace('metrics-server', SAMPLE_CHART) + NAMESPACE,
  );
  edit(folder, PROJECT, 'range list "', `range list "${SAMPLE_CHART}" "`);
  const selectors = JSON.parse(readFileSync(join(folder, 'charts/selectors.json'), 'utf8')) as object;
  writeFileSync(
    join(folder, 'charts/selectors.json'),
    JSON.stringify({
      ...selectors,
      [SAMPLE_CHART]: {
        [`Deployment/${SAMPLE_CHART}`]: { matchLabels: { 'app.kubernetes.io/name': SAMPLE_CHART } },
      },
    }),
  );
  return folder;
}

// Of the names alone: the other charts of the copy stay where they are.
const names = join(scratch, 'names');
mkdirSync(join(names, 'argocd/applications'), { recursive: true });
writeFileSync(join(names, SET), `sources: [{ repoURL: "${repository.url}", chart: sample, targetRevision: 1.0.0 }]\n`);
const store = join(scratch, 'store');
const fetched = await chartsCommand(names, { helm: join(bin, 'helm'), store });
const { charts } = localCharts(names, { store });
const { renderer, proofsOf, allProblems } = await open(t, charts);

t.test('`make charts` brings it, and everything about it is right', async (t) => {
  t.match(fetched.charts, [{ chart: SAMPLE_CHART, state: 'recorded', source: repository.url }]);
  t.strictSame(await allProblems(copyWithSample(t)), []);
});

t.test('its values: its own defaults, then the files of this repository by `$values`', async (t) => {
  const folder = copyWithSample(t);
  const fleet = await renderFleet(renderer, folder, { capabilities: proofsOf(folder).capabilities });
  const entry = fleet.find(({ application }) => application.metadata.name === SAMPLE_CHART);
  if (entry?.rendered.ok !== true) throw new Error('it does not render');
  t.match(
    entry.rendered.value.find(({ kind }) => kind === 'Greeting'),
    { spec: { text: 'hello', repeat: 3 } },
  );
  t.ok(
    entry.rendered.value.some(({ kind }) => kind === 'CustomResourceDefinition'),
    'with its definitions',
  );
  t.match(provenance(folder, entry, 'replicas'), [
    { value: 2, place: `${DEV}:1`, shadowed: [{ place: 'sample-1.0.0/values.yaml:1', value: 1 }] },
  ]);
  t.match(await effect(renderer, folder, entry, keysOf('greeting.text')), {
    changes: [{ object: `Greeting/${SAMPLE_CHART}`, path: 'spec.text' }],
  });
});

const MISTAKES: readonly { name: string; file: string; from: string; to: string; expected: RegExp }[] = [
  {
    name: 'a value that the chart does not have',
    file: DEV,
    from: 'replicas:',
    to: 'replicaCount:',
    expected: /^clusters\/dev\/sample\.yaml:1: replicaCount: unknown value/,
  },
  {
    name: 'a value below another that the chart does not have',
    file: SHARED,
    from: 'repeat:',
    to: 'repeats:',
    expected: /^clusters\/shared\/sample\.yaml:2: greeting\.repeats: unknown value/,
  },
  {
    name: 'a value that the definition in crds/ does not allow',
    file: SHARED,
    from: 'repeat: 3',
    to: 'repeat: often',
    expected:
      /^clusters\/shared\/sample\.yaml:1: dev\/sample Greeting\/sample: spec\.repeat: must be integer \(it is "often"\)$/,
  },
  {
    name: 'more than the nodes hold',
    file: DEV,
    from: 'replicas: 2',
    to: 'replicas: 2\nresources: { requests: { cpu: 1800m } }',
    expected: /^clusters\/dev\/cluster\.yaml:\d+: nodePool\.maxCpus: .*Deployment\/sample cannot be scheduled/,
  },
  {
    name: 'a kind that the project does not allow',
    file: PROJECT,
    from: 'kind: Greeting }',
    to: 'kind: Greetings }',
    expected: /Greeting\/sample kind: AppProject controllers does not allow sample\.example\.com\/Greeting/,
  },
  {
    name: 'a repository that the project does not allow',
    file: PROJECT,
    from: `    - ${repository.url}\n`,
    to: '',
    expected:
      /^argocd\/applications\/sample\.yaml:1: spec\.sources: AppProject controllers does not allow the repository http:/,
  },
  {
    name: 'a values file outside of the repository',
    file: SET,
    from: `$values/${SHARED}`,
    to: '$values/../../../etc/passwd',
    expected: /outside repository root|does not exist/,
  },
  {
    name: 'a reference to a source that has another name',
    file: SET,
    from: 'ref: values',
    to: 'ref: value',
    expected: /^argocd\/applications\/sample\.yaml:1: .*no source has `ref: values`/,
  },
];
for (const { name, file, from, to, expected } of MISTAKES) {
  t.test(name, async (t) => {
    const folder = copyWithSample(t);
    edit(folder, file, from, to);
    const problems = await allProblems(folder);
    t.ok(
      problems.some((problem) => expected.test(problem)),
      String(expected),
      { problems },
    );
  });
}

t.test('a version that is not on this machine: unchecked, and nothing follows from that', async (t) => {
  const folder = copyWithSample(t);
  edit(folder, SET, 'targetRevision: 1.0.0', 'targetRevision: 1.1.0');
  // What only the chart could judge.
  edit(folder, DEV, 'replicas: 2', 'replicaCount: 2');
  t.strictSame(await allProblems(folder), []);
  const fleet = await renderFleet(renderer, folder, { capabilities: proofsOf(folder).capabilities });
  t.match(
    uncheckedLine(fleet),
    /^unchecked: .*sample \(dev\) need charts that are not on this machine; run `make charts`$/,
  );
});

t.test('a kind that a missing chart may bring is not reported as unknown, and one of a known group is', async (t) => {
  const folder = copyWithSample(t);
  // A manifest of ours with the kind.
  writeFileSync(
    join(folder, 'argocd/projects/templates/greeting.yaml'),
    `apiVersion: sample.example.com/v1\nkind: Greeting\nmetadata: { name: ours, namespace: argocd }\nspec: { text: hello }\n`,
  );
  const problemsNow = async (): Promise<string[]> =>
    (await allProblems(folder)).filter((problem) => problem.includes('no operator of the platform defines'));
  t.strictSame(await problemsNow(), [], 'the chart brings its definition');
  edit(folder, SET, 'targetRevision: 1.0.0', 'targetRevision: 1.1.0');
  t.strictSame(await problemsNow(), [], 'another version may');
  edit(folder, 'argocd/projects/templates/greeting.yaml', 'sample.example.com/v1', 'argoproj.io/v9');
  t.equal((await problemsNow()).length > 0, true, 'the operators of argoproj.io are known, and define no such kind');
});
