import t from 'tap';
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
const when = async (what: string, isSo: () => Promise<boolean>): Promise<true> =>
  until(what, async () => ((await isSo()) ? true : undefined));

t.test('pods that find no room get nodes, as many as the limit allows', async (t) => {
  t.same(await nodes(), []);
  await stack.create(deployment('large', MAX_NODES + 1, '5'));
  await when('two pods run', async () => (await pods('large', 'Running')) === MAX_NODES);
  await when('the limit is named', async () => (await events()).includes('exceed limits for nodepool'));
  t.equal((await nodes()).length, MAX_NODES);
  t.equal(await pods('large', 'Pending'), 1, 'the third waits');
});

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
  await when('Karpenter says why it keeps them', async () => /Pdb|PDB|disruption budget/i.test(await events()));
  t.equal((await nodes()).length, MAX_NODES);
  await stack.kubectl('-n', 'nodes-drill', 'delete', 'poddisruptionbudget', 'small');
  await when('one node is enough', async () => (await nodes()).length === 1);
  await when('both run there', async () => (await pods('small', 'Running')) === MAX_NODES);
});

t.test('with their NodePool the nodes go, as `make destroy` has it', async () => {
  await stack.kubectl('delete', 'nodepool', 'default', '--timeout=30s');
  await when('no node is left', async () => (await nodes()).length === 0);
});
