import t from 'tap';
import { notExported } from '@gitops/monitoring/contract/compare';
import { CPUS, startKarpenter } from '../src/karpenter.ts';
import { Stack, until } from '../src/stack.ts';

// Nodes follow the pods: they come while pods wait, and one goes when the pods that are left fit on the other. By Karpenter's own decisions and the NodePool of dev, on nodes that are simulated.

const MAX_NODES = 2;
const stack = await Stack.open();
const karpenter = await startKarpenter(stack, t.testdir({}), { maxCpus: MAX_NODES * CPUS });
t.teardown(async () => {
  await stack.kubectl('delete', 'namespace', 'nodes-drill', '--ignore-not-found');
  await stack.kubectl('delete', 'nodepool', '--all', '--timeout=30s');
  await karpenter.end();
});
await stack.kubectl('create', 'namespace', 'nodes-drill');
await stack.create({ apiVersion: 'karpenter.kwok.sh/v1alpha1', kind: 'KWOKNodeClass', metadata: { name: 'default' } });
await stack.create(karpenter.nodePool);

/** Pods that run on added nodes alone: those of the machine have room for all others. */
const deployment = (name: string, replicas: number, cpu: string): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'nodes-drill' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        nodeSelector: { 'karpenter.sh/nodepool': 'default' },
        tolerations: [{ operator: 'Exists', key: 'kwok.x-k8s.io/node' }],
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'pod', image: 'simulated:1', resources: { requests: { cpu } } }],
      },
    },
  },
});
const namesOf = (text: string): string[] => text.split(/\s+/).filter((name) => name !== '');
const nodes = async (): Promise<string[]> =>
  namesOf(
    await stack.kubectl('get', 'nodes', '-l', 'karpenter.sh/nodepool', '-o', 'jsonpath={.items[*].metadata.name}'),
  );
const pods = async (app: string, phase: string): Promise<number> => {
  const selected = ['-l', `app=${app}`, `--field-selector=status.phase=${phase}`];
  return namesOf(await stack.kubectl('-n', 'nodes-drill', 'get', 'pods', ...selected, '-o', 'name')).length;
};
const events = async (): Promise<string> =>
  stack.kubectl('get', 'events', '-A', '-o', 'jsonpath={range .items[*]}{.reason} {.message}{"\\n"}{end}');
const scale = async (app: string, replicas: number): Promise<string> =>
  stack.kubectl('-n', 'nodes-drill', 'scale', 'deployment', app, `--replicas=${replicas}`);
const when = async (what: string, isSo: () => Promise<boolean>): Promise<true> => {
  try {
    return await until(what, async () => ((await isSo()) ? true : undefined));
  } catch (error) {
    for (const text of [karpenter.log(), await events()]) t.comment(text.split('\n').slice(-40).join('\n'));
    throw error;
  }
};

t.test('pods that find no room get nodes, as many as the limit allows', async (t) => {
  t.same(await nodes(), []);
  await stack.create(deployment('large', MAX_NODES + 1, '5'));
  await when('they wait for room', async () => /FailedScheduling 0\/\d+ nodes are available/.test(await events()));
  await when('two pods run', async () => (await pods('large', 'Running')) === MAX_NODES);
  await when('the limit is named', async () => (await events()).includes('exceed limits for nodepool'));
  t.equal((await nodes()).length, MAX_NODES);
  t.equal(await pods('large', 'Pending'), 1, 'the third waits');
});

/** The sum of a counter of Karpenter for nodes whose pods fit elsewhere. */
async function counted(metric: string): Promise<number> {
  const series = new RegExp(`^karpenter_voluntary_disruption_${metric}\\{.*underutilized.*\\} (\\d+)$`, 'gm');
  const values = Array.from((await karpenter.metrics()).matchAll(series), ([, value]) => Number(value));
  return values.reduce((sum, value) => sum + value, 0);
}
const evaluations = async (): Promise<number> => counted('decision_evaluation_duration_seconds_count');
const decisions = async (): Promise<number> => counted('decisions_total');
const CONSOLIDATABLE = 'jsonpath={.items[*].status.conditions[?(@.type=="Consolidatable")].status}';
/** Waits until it has seen the nodes as they are now, all of them long enough unchanged to be given back. */
async function evaluated(): Promise<void> {
  await when('no node changes', async () => {
    const states = namesOf(await stack.kubectl('get', 'nodeclaims', '-o', CONSOLIDATABLE));
    return states.length === MAX_NODES && states.every((state) => state === 'True');
  });
  // Each evaluation asks twice: for several nodes together, then for one, where it checks a decision for 15 seconds. The one that
  // runs may have begun before.
  const before = await evaluations();
  await when('a whole evaluation', async () => (await evaluations()) >= before + 4);
}

t.test('a node stays while a PodDisruptionBudget needs its pods, and goes when it does not', async (t) => {
  // One on each node, beside a large one: there is no room for two.
  await stack.create(deployment('small', MAX_NODES, '2'));
  await when('both run', async () => (await pods('small', 'Running')) === MAX_NODES);
  await stack.create({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'small', namespace: 'nodes-drill' },
    spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'small' } } },
  });
  await scale('large', 0);
  await when('the large ones are gone', async () => (await pods('large', 'Running')) === 0);
  await evaluated();
  t.equal(await decisions(), 0, 'none is to go');
  t.equal((await nodes()).length, MAX_NODES);
  await stack.kubectl('-n', 'nodes-drill', 'delete', 'poddisruptionbudget', 'small');
  await when('one is to go', async () => (await decisions()) > 0);
  await when('one node is enough', async () => (await nodes()).length === 1);
  await when('both run there', async () => (await pods('small', 'Running')) === MAX_NODES);
});

t.test('it exports the metrics that rules ask for', async (t) => {
  const file = 'packages/monitoring/exported/karpenter.yaml';
  // Errors of AWS are counted when there is the first one; here AWS is simulated.
  t.strictSame(
    notExported(stack.instance.root, file, [await karpenter.metrics()]).filter(
      (line) => !line.includes('errors_total'),
    ),
    [],
  );
});

t.test('with their NodePool the nodes go, as `make destroy` has it', async () => {
  await stack.kubectl('delete', 'nodepool', 'default', '--timeout=30s');
  await when('no node is left', async () => (await nodes()).length === 0);
});
