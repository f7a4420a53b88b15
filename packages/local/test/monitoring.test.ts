import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { KubernetesObject } from '@gitops/manifests/object';
import { CommandError } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { run } from '@gitops/tools/run';
import { ensureTools } from '@gitops/tools/tools';
import { type Machine, monitoringFiles, yamlOf } from '../src/monitoring/configuration.ts';
import { choosePorts } from '../src/ports.ts';

const tools = await ensureTools(progressTo(), { verify: false, builds: ['operator', 'prometheus'] });
const dir = t.testdir({});
const instance = { root: dir, dir, cluster: 'local' };
const machine: Machine = {
  instance,
  ports: await choosePorts(instance, () => true),
  nodes: [{ name: 'machine-a', zone: 'local-a' }],
  networks: { pods: '192.0.2.0/24', loopback: '127.200.1.0/24' },
};

const monitor = (kind: 'ServiceMonitor' | 'PodMonitor', name: string, spec: object): KubernetesObject => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind,
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, ...spec },
});
const SERVICES = { endpoints: [{ port: 'metrics' }] };
const ROUTES: KubernetesObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'routes' },
  stringData: { 'alertmanager.yaml': 'route:\n  receiver: none\n' },
};
const OBJECTS: KubernetesObject[] = [
  ROUTES,
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'other' }, stringData: { password: 'x' } },
  {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'up' },
    spec: { groups: [{ name: 'up', rules: [{ record: 'all:up', expr: 'sum(up)' }] }] },
  },
  monitor('ServiceMonitor', 'argocd', { ...SERVICES, namespaceSelector: { matchNames: ['argocd'] } }),
  monitor('ServiceMonitor', 'anywhere', { ...SERVICES, namespaceSelector: { any: true } }),
  monitor('ServiceMonitor', 'elsewhere', { ...SERVICES, namespaceSelector: { matchNames: ['other'] } }),
  monitor('PodMonitor', 'pods', { podMetricsEndpoints: [{ port: 'metrics' }] }),
];

interface Job {
  readonly job_name: string;
  readonly static_configs?: readonly { readonly labels: Readonly<Record<string, string>> }[];
  readonly relabel_configs?: readonly { readonly regex?: string; readonly replacement?: string }[];
}
const jobsOf = ({ prometheus }: Awaited<ReturnType<typeof monitoringFiles>>): Job[] =>
  prometheus.scrape_configs as Job[];

t.test('the files are those of the chart, and Prometheus can read them', async (t) => {
  const files = await monitoringFiles(OBJECTS, tools, machine);
  t.strictSame(files.rules, { up: { groups: [{ name: 'up', rules: [{ record: 'all:up', expr: 'sum(up)' }] }] } });
  t.equal(files.alertmanager, 'route:\n  receiver: none\n');
  const file = join(dir, 'prometheus.yml');
  writeFileSync(file, yamlOf(files.prometheus));
  t.match(await run(join(tools.bin, 'promtool'), ['check', 'config', '--syntax-only', file]), 'SUCCESS');
  t.notMatch(yamlOf(files.prometheus), /\$\((SHARD|POD_NAME)\)/, 'nothing is left for a reloader to fill in');
});

t.test('monitors that select Services of Argo CD find its processes', async (t) => {
  const jobs = jobsOf(await monitoringFiles(OBJECTS, tools, machine));
  const services = Object.fromEntries(
    jobs.map(({ job_name: name, static_configs: groups = [] }) => [
      name,
      groups.map(({ labels }) => labels.__meta_kubernetes_service_name ?? labels.job),
    ]),
  );
  const argocd = [
    'application-controller',
    'repo-server',
    'server',
    'applicationset-controller',
    'notifications-controller',
  ].map((component) => `argocd-${component}-metrics`);
  t.strictSame(services, {
    'serviceMonitor/monitoring/argocd/0': argocd,
    'serviceMonitor/monitoring/anywhere/0': argocd,
    'serviceMonitor/monitoring/elsewhere/0': [],
    'podMonitor/monitoring/pods/0': [],
    apiserver: ['apiserver'],
    prometheus: ['kps-prometheus'],
    alertmanager: ['kps-alertmanager'],
    'kubelet/metrics': ['kubelet'],
    'kubelet/metrics/resource': ['kubelet'],
  });
});

t.test('pods are scraped where they listen, and simulated ones never', async (t) => {
  const relabelings = async (networks: Machine['networks']) => {
    const jobs = jobsOf(await monitoringFiles(OBJECTS, tools, { ...machine, networks }));
    return jobs.find(({ job_name: name }) => name.startsWith('podMonitor'))?.relabel_configs ?? [];
  };
  const translation = (await relabelings(machine.networks)).find(
    ({ replacement }) => replacement?.startsWith('127.200.1.') === true,
  );
  t.equal(
    '192.0.2.130:9090'.replace(new RegExp(`^(?:${translation?.regex ?? ''})$`), '127.200.1.$1:$2'),
    '127.200.1.130:9090',
  );
  t.equal(translation?.replacement, '127.200.1.$1:$2');
  const keep = { action: 'keep', source_labels: ['__address__'], regex: '127\\..+' };
  for (const networks of [machine.networks, undefined])
    t.ok((await relabelings(networks)).some((one) => JSON.stringify({ ...keep, ...one }) === JSON.stringify(keep)));
});

t.test('what the operator would refuse is refused, by name', async (t) => {
  const wrong = monitor('ServiceMonitor', 'wrong', { endpoint: [] });
  await t.rejects(monitoringFiles([...OBJECTS, wrong], tools, machine), {
    message: /ServiceMonitor monitoring\/wrong: .*unknown field "endpoint"/,
  });
  const error: unknown = await monitoringFiles([], tools, machine).catch((reason: unknown) => reason);
  t.ok(error instanceof CommandError);
  t.match(error, { message: 'charts/monitoring renders no Secret with alertmanager.yaml' });
});
