import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { readYamlFile } from '@gitops/settings/yaml-file';
import { upstreamCharts } from '@gitops/tools/charts';
import { requestWith } from '../../src/commands/explanation.ts';
import { changesBetween } from '../../src/kubernetes/changes.ts';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { UPSTREAM_EXCEPTIONS } from '../../src/proofs/upstream-exceptions.ts';
import { workloadRules } from '../../src/proofs/workload-rules.ts';
import { renderFleet } from '../../src/render/fleet.ts';
import { flips } from '../../src/render/flips.ts';
import { placed, renderedOnly } from '../../src/render/rendered.ts';
import { sourcesOf } from '../../src/render/renderer.ts';
import { leaves } from '../../src/render/values.ts';
import { lacksCharts, open, root } from '../helper.ts';

const { renderer, proofsOf } = await open(t);
const all = await renderFleet(renderer, root, { capabilities: proofsOf(root).capabilities });
const fleet = renderedOnly(all);
const upstream = fleet.filter(({ chart }) => chart?.isUpstream);
const skip = lacksCharts();

/** Those of an upstream chart, whether it is on this machine or not. */
const ofUpstream = all.filter(({ application }) => sourcesOf(application).some(({ chart }) => chart !== undefined));
const controllersOf = (name: string): typeof ofUpstream =>
  ofUpstream.filter(({ cluster, application }) => cluster.name === name && application.metadata.name !== 'argocd');

t.test('every cluster runs the controllers of its settings, and the local one none', (t) => {
  for (const name of new Set(all.map(({ cluster }) => cluster.name))) {
    const entries = controllersOf(name);
    const [controllers = []] = all.flatMap(({ cluster }) => (cluster.name === name ? [cluster.controllers] : []));
    t.same(entries.map(({ application }) => application.metadata.name).sort(), [...controllers].sort(), name);
  }
  t.equal(ofUpstream.filter(({ cluster }) => cluster.provider === 'local').length, 0);
  t.equal(ofUpstream.length, 21, 'and Argo CD itself');
  t.end();
});

t.test('`make charts` fetches what these Applications render, and nothing else', (t) => {
  const rendered = ofUpstream.flatMap(({ application }) =>
    sourcesOf(application).flatMap(({ repoURL, chart, targetRevision }) =>
      chart === undefined ? [] : [`${repoURL} ${chart} ${String(targetRevision)}`],
    ),
  );
  t.strictSame(
    [...new Set(rendered)].sort(),
    upstreamCharts(root)
      .map(({ repoURL, chart, version }) => `${repoURL} ${chart} ${version}`)
      .sort(),
  );
  t.end();
});

t.test('the facts of the cluster reach the controllers, which have no other source of them', { skip }, (t) => {
  const text = (cluster: string, name: string): string =>
    JSON.stringify(
      upstream.find((entry) => entry.cluster.name === cluster && entry.application.metadata.name === name)?.objects,
    );
  t.ok(
    /"--cluster-name=staging".*"--aws-region=us-east-1","--aws-vpc-id=vpc-/.test(
      text('staging', 'aws-load-balancer-controller'),
    ),
  );
  t.ok(text('production', 'external-secrets').includes('"aws":{"region":"us-east-1","service":"SecretsManager"}'));
  t.end();
});

t.test('on one machine, components of Argo CD have the rights that the chart gives them', { skip }, (t) => {
  const stored = readYamlFile(root, 'packages/local/argocd/rights.yaml').content;
  for (const { cluster, objects } of upstream.filter(({ chart }) => chart?.name === 'argo-cd')) {
    const rights: Record<string, { namespace: unknown; cluster: unknown }> = {};
    // Of a job that makes Redis' password; there is none on one machine.
    const own = objects.filter(({ metadata }) => metadata.name !== 'argocd-redis-secret-init');
    for (const { kind, metadata } of own)
      if (kind === 'ServiceAccount') rights[metadata.name] = { namespace: [], cluster: [] };
    for (const { kind, metadata, ...object } of own) {
      const { rules } = object as { rules?: unknown[] | null };
      if (kind !== 'Role' && kind !== 'ClusterRole') continue;
      const entry = rights[metadata.name];
      if (entry === undefined) throw new Error(`${kind} ${metadata.name} belongs to no ServiceAccount`);
      entry[kind === 'Role' ? 'namespace' : 'cluster'] = rules ?? [];
    }
    t.same(stored, rights, cluster.name);
  }
  t.end();
});

t.test('nothing secret and no certificate is in what is rendered', { skip }, (t) => {
  for (const { application, objects } of upstream) {
    for (const { kind, metadata, ...object } of objects)
      if (kind === 'Secret')
        t.notOk('data' in object || 'stringData' in object, `${application.metadata.name} Secret/${metadata.name}`);
    t.notOk(
      JSON.stringify(objects.filter(({ kind }) => kind !== 'CustomResourceDefinition')).includes('"caBundle"'),
      application.metadata.name,
    );
  }
  t.end();
});

/** Read by the first installation alone, which CDKTF does; the Application of Argo CD has it switched off. */
const OF_FIRST_INSTALLATION = 'redisSecretInit.';

t.test('no value of ours is dead: each changes what some cluster gets', { timeout: 200_000, skip }, async (t) => {
  const files = [...new Set(upstream.flatMap(({ chart }) => chart?.valueFiles ?? []))].sort();
  t.equal(files.length, 25, 'one for all clusters and one for each, by controller and for Argo CD; of definitions one');
  for (const file of files) {
    const keys = leaves(readYamlFile(root, file).content).filter(
      (leaf) => !leaf.keys.join('.').startsWith(OF_FIRST_INSTALLATION),
    );
    // Last the cluster with the fewest pods, where a budget is switched off.
    const entries = upstream.filter(({ chart }) => chart?.valueFiles.includes(file)).reverse();
    const dead = new Set(keys.map((leaf) => leaf.keys.join('.')));
    for (const entry of [entries[0], entries.at(-1)]) {
      if (entry === undefined) continue;
      const attempts = keys.flatMap(({ keys: path, value }) =>
        dead.has(path.join('.'))
          ? // A null deletes a default of the chart.
            (value === null ? [1] : flips(value))
              .slice(0, 1)
              .map((other) => ({ key: path.join('.'), request: requestWith(entry, path, other) }))
          : [],
      );
      const outcomes = await renderer.render(
        root,
        attempts.map(({ request }) => request),
      );
      attempts.forEach(({ key }, index) => {
        const outcome = outcomes[index];
        // What is refused is read.
        if (outcome?.ok === false || (outcome?.ok === true && changesBetween(entry.objects, outcome.value).length > 0))
          dead.delete(key);
      });
    }
    t.same([...dead], [], file);
  }
});

t.test('every exception from a rule is of a rule that there is, and some chart needs it', { skip }, (t) => {
  const rules = workloadRules({ keepAliveSeconds: 72 });
  for (const { rule, chart, reason } of UPSTREAM_EXCEPTIONS) {
    const found = rules.find(({ name }) => name === rule);
    const entries = upstream.filter((entry) => chart === undefined || entry.chart?.name === chart);
    t.ok(found !== undefined && entries.some((entry) => found.check(placed(entry)).length > 0), `${rule}: ${reason}`);
  }
  t.end();
});

t.test('a chart that is not on this machine does not render, and the message says what to do', async (t) => {
  const [entry] = controllersOf('dev');
  if (entry === undefined) throw new Error('no cluster runs a controller');
  const sources = (entry.application.spec.sources ?? []).map((source) =>
    source.chart === undefined ? source : { ...source, targetRevision: '9.9.9' },
  );
  const application = { ...entry.application, spec: { ...entry.application.spec, sources } };
  const name = { repoURL: 'https://aws.github.io/eks-charts', chart: 'aws-load-balancer-controller', version: '9.9.9' };
  t.strictSame(await renderer.render(root, [{ ...entry.request, application }]), [
    {
      ok: false,
      error: `chart ${name.chart} 9.9.9 of ${name.repoURL} is not on this machine; run \`make charts\``,
      missingChart: name,
    },
  ]);
});

t.test('values come from this repository and cannot leave it', { skip }, async (t) => {
  const [entry] = upstream;
  if (entry === undefined) throw new Error('no cluster runs a controller');
  const sources = (entry.application.spec.sources ?? []).map((source) =>
    source.chart === undefined
      ? source
      : { ...source, helm: { ...source.helm, valueFiles: ['$values/../../../etc/passwd'] } },
  );
  const [outcome] = await renderer.render(root, [
    { ...entry.request, application: { ...entry.application, spec: { ...entry.application.spec, sources } } },
  ]);
  t.match(outcome, { ok: false, error: /outside repository root/ });
});

const settings = parse(readFileSync(join(root, 'argocd/values.yaml'), 'utf8')) as {
  configs: { cm: Record<string, string>; params: Record<string, string> };
};

t.test('the health of an ApplicationSet follows that of its Applications', (t) => {
  // What its health check makes of it: argocd/health.
  t.equal(
    settings.configs.params['applicationsetcontroller.enable.progressive.syncs'],
    'true',
    'without it, the status that the check reads is that of the first moment',
  );
  t.end();
});

t.test('controllers and definitions come in an earlier wave of root than the services and monitoring', (t) => {
  const wave = ({ metadata }: KubernetesObject): number =>
    Number(metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? 0);
  const sets = fleet
    .filter(({ application }) => application.metadata.name === 'root')
    .flatMap(({ objects }) => objects.filter(({ kind }) => kind === 'ApplicationSet'));
  const ofProject = (project: string): number[] =>
    sets.flatMap((set) =>
      (set.spec as { template: { spec: { project: string } } }).template.spec.project === project ? [wave(set)] : [],
    );
  t.ok(ofProject('controllers').length >= 16 && ofProject('services').length >= 4);
  const later = [...ofProject('services'), ...ofProject('monitoring')];
  t.ok(Math.max(...ofProject('controllers')) < Math.min(...later));
  const definitions = sets.filter(({ metadata }) => metadata.name === 'prometheus-operator-crds');
  for (const { spec } of definitions) t.match(spec, { template: { spec: { project: 'controllers' } } });
  t.equal(definitions.length, 4, 'of every cluster: root waits for the definitions');
  t.end();
});
