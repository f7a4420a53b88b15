import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { startLoad } from '@gitops/load/start-load';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import { killAgents, killWhilePodsChange } from '../src/agent-drill.ts';
import {
  ensureNamespace,
  isReady,
  type Pod,
  processesOf,
  pushFault,
  removeNamespace,
  servicePods,
} from '../src/faults.ts';
import { Stack, succeed, until } from '../src/stack.ts';

// A node agent is killed: the processes of its pods go on, and the next agent takes them over.

const stack = await Stack.open();
await ensureNamespace(stack);
t.teardown(async () => removeNamespace(stack));

/** What must not change of a pod while its agent is away and after it came back. */
const lifeOf = (pod: Pod): unknown => ({
  name: pod.metadata.name,
  containers: pod.status.containerStatuses?.map(({ containerID }) => containerID),
  pids: processesOf(stack.instance, pod),
  restarts: pod.status.containerStatuses?.map(({ restartCount }) => restartCount),
  conditions: pod.status.conditions?.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime]),
});

/**
 * Whether a new kubelet takes over the readiness of a pod's containers: it does so for those that had run for ten seconds
 * when it started, and probes younger ones anew (kubeletRestartGracePeriod in pkg/kubelet/prober/prober_manager.go). The
 * drill before restarted one. Times in the status are whole seconds.
 */
const isSettled = (pod: Pod): boolean =>
  isReady(pod) &&
  pod.status.containerStatuses?.every(
    ({ state }) => Date.now() - Date.parse(state.running?.startedAt ?? '') > 11_000,
  ) === true;

/**
 * The nodes and whether they are ready. When it became so may change: a new kubelet sends its first status while it asks its
 * runtime for the first time (Run in pkg/kubelet/kubelet.go), and NotReady where that answers later. What may not follow
 * from it is asserted of the pods.
 */
const nodeStates = async (): Promise<string> =>
  stack.kubectl(
    'get',
    'nodes',
    '-o',
    'jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}',
  );

t.test('both agents killed while idle: processes, status and requests are as if nothing happened', async (t) => {
  const tools = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false, builds: ['load'] });
  await until('the service at rest', async () => ((await servicePods(stack)).every(isSettled) ? true : undefined));
  const before = (await servicePods(stack)).map(lifeOf);
  const nodes = await nodeStates();
  const load = startLoad(tools, {
    url: `http://127.0.0.1:${stack.ports['front-door']}`,
    host: 'fastify-service.localhost',
    rate: 100,
    duration: 120,
  });
  await load.started;
  killAgents(stack, 'machine-a', 'machine-b');
  await sleep(3000);
  t.same((await servicePods(stack)).map(lifeOf), before, 'while they are away');
  await succeed(stack.instance.dir, ['up']);
  // One look of the kubelet at all of its containers, and one report of its node.
  const counted = load.count();
  await until('500 requests with the new agents', async () =>
    load.count() > counted + 500 ? true : Promise.resolve(undefined),
  );
  t.same((await servicePods(stack)).map(lifeOf), before, 'after they are back');
  await until('the nodes ready again', async () => ((await nodeStates()) === nodes ? true : undefined));
  const { requests, failed, refused } = await load.stop();
  t.comment(`${failed + refused} of ${requests} requests lost`);
  t.same({ failed, refused }, { failed: 0, refused: 0 });
});

t.test('killed while a pod starts and another one ends: none starts twice, none is left', async (t) => {
  const { reference } = await pushFault(stack, { startSeconds: 1 }, 'slow');
  // `make soak` has more moments.
  await killWhilePodsChange(t, stack, reference, 150);
});
