import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { valueAt } from '@gitops/settings/yaml-file';
import { SCHEMA_PINS } from '@gitops/tools/schemas';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { mebibytes } from '../../src/kubernetes/quantity.ts';
import { disruptionBudgets, workloads } from '../../src/kubernetes/workload.ts';
import { renderFleet } from '../../src/render/fleet.ts';
import { placed, renderedOnly } from '../../src/render/rendered.ts';
import { lacksCharts, open, root } from '../helper.ts';

// What only this chart must hold to; that its values are known, its pods fit and its connections are closed is proven for all.

const skip = lacksCharts('kube-prometheus-stack', 'prometheus-operator-crds');
const { renderer, proofsOf } = await open(t);
const fleet = renderedOnly(await renderFleet(renderer, root, { capabilities: proofsOf(root).capabilities }));
const applicationsOf = (name: string) => fleet.filter(({ application }) => application.metadata.name === name);
const stacks = applicationsOf('kube-prometheus-stack');

const ofKind = (objects: readonly KubernetesObject[], kind: string): KubernetesObject[] =>
  objects.filter((object) => object.kind === kind);
function specOf(objects: readonly KubernetesObject[], kind: string): unknown {
  const [object] = ofKind(objects, kind);
  if (object === undefined) throw new Error(`no ${kind} is rendered`);
  return object.spec;
}

interface Claim {
  readonly storageClassName: string;
  readonly resources: { readonly requests: { readonly storage: string } };
}

/** Every volume that a cluster's stack claims, one for each pod. */
function claimsOf(objects: readonly KubernetesObject[]): Claim[] {
  const claims = ofKind(objects, 'PersistentVolumeClaim').map(({ spec }) => spec as Claim);
  for (const [kind, key] of [
    ['Prometheus', 'storage'],
    ['Alertmanager', 'storage'],
  ] as const) {
    const spec = specOf(objects, kind);
    const claim = valueAt(spec, [key, 'volumeClaimTemplate', 'spec']) as Claim;
    for (let pod = 0; pod < Number(valueAt(spec, ['replicas'])); pod += 1) claims.push(claim);
  }
  return claims;
}

t.test('definitions, operator and the schemas that objects are checked by are one release', { skip }, (t) => {
  const pin = SCHEMA_PINS.operators.find(({ path }) => path.endsWith('/prometheus-operator'));
  const [definitions] = applicationsOf('prometheus-operator-crds');
  t.equal(definitions?.objects.length, 10);
  for (const { kind, metadata } of definitions?.objects ?? []) {
    t.equal(kind, 'CustomResourceDefinition');
    t.equal(`v${String(metadata.annotations?.['operator.prometheus.io/version'])}`, pin?.version, metadata.name);
    // A definition takes all its objects along.
    t.equal(metadata.annotations?.['argocd.argoproj.io/sync-options'], 'Prune=false,Delete=false', metadata.name);
  }
  for (const { cluster, objects } of stacks) {
    const operator = workloads(objects).find(({ metadata }) => metadata.name === 'kps-operator');
    t.match(JSON.stringify(operator?.spec), `prometheus-operator:${String(pin?.version)}"`, cluster.name);
    t.same(ofKind(objects, 'CustomResourceDefinition'), [], 'it brings none itself');
  }
  t.equal(stacks.length, 3);
  t.end();
});

t.test('large definitions are applied by the server: the annotation of the client has no room for them', (t) => {
  for (const name of ['prometheus-operator-crds', 'kube-prometheus-stack'])
    for (const { application } of applicationsOf(name))
      t.match(
        valueAt(application.spec, ['syncPolicy', 'syncOptions']),
        ['ApplyOutOfSyncOnly=true', 'FailOnSharedResource=true', 'ServerSideApply=true'],
        name,
      );
  t.end();
});

t.test('nothing waits for a hook, and no webhook can refuse anything', { skip }, (t) => {
  for (const { cluster, objects } of stacks) {
    const hooks = objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined);
    t.same(hooks, [], cluster.name);
    for (const kind of ['Job', 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'])
      t.same(ofKind(objects, kind), [], `${cluster.name} ${kind}`);
  }
  t.end();
});

t.test('Prometheus reads the monitors and rules of every namespace', { skip }, (t) => {
  for (const { cluster, objects } of stacks) {
    const spec = specOf(objects, 'Prometheus');
    for (const kind of ['podMonitor', 'probe', 'rule', 'scrapeConfig', 'serviceMonitor'])
      for (const selector of ['Selector', 'NamespaceSelector'])
        t.same(valueAt(spec, [`${kind}${selector}`]), {}, `${cluster.name} ${kind}${selector}`);
    t.equal(valueAt(spec, ['externalLabels', 'cluster']), cluster.name);
  }
  t.end();
});

t.test('what is kept covers the window of the error budget, and fits the volume', { skip }, (t) => {
  for (const { cluster, objects } of stacks) {
    const spec = specOf(objects, 'Prometheus');
    t.ok(Number(/^(\d+)d$/.exec(String(valueAt(spec, ['retention'])))?.[1]) > 30, cluster.name);
    const storage = valueAt(spec, ['storage', 'volumeClaimTemplate', 'spec', 'resources', 'requests', 'storage']);
    const size = String(valueAt(spec, ['retentionSize'])).replace('GiB', 'Gi');
    // Compaction writes the next block before it deletes those that it came from.
    t.ok(mebibytes(size) > 0 && mebibytes(size) <= 0.85 * mebibytes(storage), `${size} of ${String(storage)}`);
  }
  t.end();
});

t.test(
  'every volume is of a class that is rendered, and `make cost` counts the most that a cluster has',
  { skip },
  (t) => {
    const gibibytes: number[] = [];
    for (const { cluster, objects } of stacks) {
      const classes = ofKind(objects, 'StorageClass');
      t.match(classes, [{ metadata: { name: 'gp3' }, parameters: { type: 'gp3', encrypted: 'true' } }], cluster.name);
      const claims = claimsOf(objects);
      for (const { storageClassName } of claims) t.equal(storageClassName, 'gp3', cluster.name);
      gibibytes.push(claims.reduce((sum, { resources }) => sum + mebibytes(resources.requests.storage) / 1024, 0));
    }
    const { assumed } = JSON.parse(readFileSync(join(root, 'packages/settings/data/prices.json'), 'utf8')) as {
      assumed: { volumeGigabytes: number };
    };
    t.equal(assumed.volumeGigabytes, Math.max(...gibibytes));
    t.end();
  },
);

t.test('what pages people runs twice in production, in two zones, and a drain takes one at a time', { skip }, (t) => {
  for (const entry of stacks) {
    const objects = placed(entry);
    const isProduction = entry.cluster.name === 'production';
    for (const [kind, name] of [
      ['Prometheus', 'kps-prometheus'],
      ['Alertmanager', 'kps-alertmanager'],
    ] as const) {
      const spec = specOf(objects, kind);
      t.equal(valueAt(spec, ['replicas']), isProduction ? 2 : 1, `${entry.cluster.name} ${kind}`);
      const rule = 'requiredDuringSchedulingIgnoredDuringExecution';
      const [term] = (valueAt(spec, ['affinity', 'podAntiAffinity', rule]) ?? []) as { topologyKey: string }[];
      t.equal(term?.topologyKey, isProduction ? 'topology.kubernetes.io/zone' : undefined);
      const budget = disruptionBudgets(objects).find(({ metadata }) => metadata.name === name);
      t.equal(budget?.spec?.maxUnavailable, isProduction ? 1 : undefined);
    }
  }
  t.end();
});

t.test('Grafana lets nobody in without the password of Secrets Manager, and shows what Git has', { skip }, (t) => {
  for (const { cluster, objects } of stacks) {
    const grafana = workloads(objects).find(({ metadata }) => metadata.name === 'grafana');
    const password = grafana?.spec?.template?.spec?.containers
      ?.flatMap(({ env = [] }) => env)
      .find(({ name }) => name === 'GF_SECURITY_ADMIN_PASSWORD');
    t.match(password?.valueFrom?.secretKeyRef, { name: 'grafana-admin', key: 'password' }, cluster.name);
    const [secret] = ofKind(objects, 'ExternalSecret');
    t.match(secret?.spec, { dataFrom: [{ extract: { key: `${cluster.name}/grafana` } }] });
    const { data } = objects.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'grafana',
    ) as unknown as {
      data: Record<string, string>;
    };
    t.match(data['grafana.ini'], /\[auth\.anonymous\]\nenabled = false\n/);
    t.match(data['grafana.ini'], /\[users\]\nallow_sign_up = false\n/);
    const sources = data['datasources.yaml'] ?? '';
    t.match(sources, /uid: prometheus\n/);
    t.equal(sources.match(/editable: false/g)?.length, sources.match(/uid: /g)?.length, 'none can be edited');
    t.same(
      ofKind(objects, 'ConfigMap').filter(({ metadata }) => metadata.labels?.grafana_dashboard !== undefined),
      [],
      'dashboards come from charts/monitoring alone',
    );
  }
  t.end();
});

interface Alert {
  readonly alert?: string;
  readonly labels?: { readonly severity?: string };
  readonly annotations?: { readonly runbook_url?: string };
}

t.test('each alert of upstream has a runbook, a severity that the routes know, and can fire', { skip }, (t) => {
  for (const { cluster, objects } of stacks) {
    const alerts = ofKind(objects, 'PrometheusRule')
      .flatMap(({ spec }) => (spec as { groups: { rules: Alert[] }[] }).groups)
      .flatMap(({ rules }) => rules)
      .filter(({ alert }) => alert !== undefined);
    t.ok(alerts.length > 60, `${cluster.name}: ${alerts.length} alerts`);
    for (const { alert = '', labels, annotations } of alerts) {
      t.match(annotations?.runbook_url, /^https:\/\/runbooks\.prometheus-operator\.dev\/runbooks\//, alert);
      t.match(labels?.severity, /^(critical|warning|info|none)$/, alert);
      t.notMatch(alert, /^(etcd|KubeControllerManager|KubeScheduler|KubeProxy|KubeAPIErrorBudgetBurn)/);
      t.notMatch(alert, /^(NodeRAID|NodeBonding|NodeSystemd)/, 'nothing that no node has');
    }
  }
  t.end();
});
