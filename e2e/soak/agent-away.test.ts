import t from 'tap';
import { killAgents, killWhilePodsChange } from '../src/agent-drill.ts';
import {
  containerOf,
  containerProcesses,
  ensureNamespace,
  isReady,
  NAMESPACE,
  type Pod,
  podOf,
  podUntil,
  processesOf,
  pushFault,
  removeNamespace,
} from '../src/faults.ts';
import { Stack, succeed, until } from '../src/stack.ts';

const stack = await Stack.open();
await ensureNamespace(stack);
t.teardown(async () => removeNamespace(stack));

t.test('killed at many moments of a start and an end: none starts twice, none is left', async (t) => {
  const { reference } = await pushFault(stack, { startSeconds: 1 }, 'slow');
  for (const moment of [0, 20, 40, 60, 80, 100, 150, 200, 300, 400, 600, 900, 1200, 1600, 2100, 2600])
    await killWhilePodsChange(t, stack, reference, moment);
});

t.test(
  'away for good: the node is not ready, its pods run elsewhere; back again, it ends those of its past',
  async (t) => {
    const { reference } = await pushFault(stack, {}, 'good');
    const gone = ['not-ready', 'unreachable'].map((taint) => ({
      key: `node.kubernetes.io/${taint}`,
      operator: 'Exists',
      effect: 'NoExecute',
      // Kubernetes gives 300.
      tolerationSeconds: 2,
    }));
    const { spec } = podOf('', containerOf(reference), { tolerations: gone }) as { spec: object };
    const labels = { app: 'moves' };
    await stack.create({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'moves', namespace: NAMESPACE },
      spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    });
    const pods = async (): Promise<Pod[]> => {
      const text = await stack.kubectl('-n', NAMESPACE, 'get', 'pods', '-l', 'app=moves', '-o', 'json');
      return (JSON.parse(text) as { items: Pod[] }).items;
    };
    const before = await until('two ready pods', async () => {
      const found = await pods();
      return found.length === 2 && found.every(isReady) ? found : undefined;
    });
    const node = before[0]?.spec.nodeName ?? '';
    const other = node === 'machine-a' ? 'machine-b' : 'machine-a';
    const left = before.filter(({ spec: { nodeName } }) => nodeName === node);
    const pids = left.flatMap((pod) => processesOf(stack.instance, pod));
    t.equal(pids.length, left.length);
    killAgents(stack, node);
    const isUnknown = async (): Promise<true | undefined> => {
      const path = '{.status.conditions[?(@.type=="Ready")].status}';
      const status = await stack.kubectl('get', 'node', node, '-o', `jsonpath=${path}`);
      return status === 'Unknown' ? true : undefined;
    };
    // The controller manager gives it 50 s.
    await until('the node is not ready', isUnknown, 120_000);
    await until('two ready pods elsewhere', async () => {
      const found = (await pods()).filter((pod) => isReady(pod) && pod.spec.nodeName === other);
      return found.length === 2 ? true : undefined;
    });
    t.equal((await stack.make('status')).code, 1, 'make status names an agent that does not run');

    await succeed(stack.instance.dir, ['up']);
    await until('its old pods are gone', async () => ((await pods()).length === 2 ? true : undefined));
    for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  },
);

t.test('agents killed before make down: no process is left', async (t) => {
  const { reference } = await pushFault(stack, {}, 'good');
  await stack.create(podOf('left', containerOf(reference)));
  await podUntil(stack, 'left', isReady);
  killAgents(stack, 'machine-a', 'machine-b');
  t.ok(containerProcesses(stack.instance).length >= 2);
  await succeed(stack.instance.dir, ['down']);
  t.same(containerProcesses(stack.instance), []);
  await succeed(stack.instance.dir, ['up']);
  t.ok(isReady(await podUntil(stack, 'left', isReady)), 'and up runs the pods again');
});
