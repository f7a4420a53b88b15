import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { progressTo } from '@gitops/report/progress';
import { freePort } from '@gitops/tools/free-port';
import { ensureTools } from '@gitops/tools/tools';
import type { TargetTable } from '../../src/admin.ts';
import type { Condition } from '../../src/kubernetes.ts';
import { ask, fakeIngress, fakePod, fakeService, HOST, NAMESPACE, startPod } from '../cluster.ts';
import { createApiServer, end, start } from './api-server.ts';

// The whole program against a real API server, in real time.

const program = resolve(import.meta.dirname, '../../src/main.ts');

/** Waits for an answer; the test's own timeout is the limit. */
async function eventually<T>(attempt: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await attempt();
    if (answer !== undefined) return answer;
    await sleep(50);
  }
}

const { bin } = await ensureTools(progressTo(), { verify: false });
const folder = t.testdir();
const api = await createApiServer(t, folder, bin);
const [port, adminPort] = [await freePort(), await freePort()];
let door: ChildProcess | undefined;
t.teardown(async () => end(door, 'SIGKILL'));

function startDoor(): void {
  const args = ['serve', '--kubeconfig', api.kubeconfig, '--port', String(port), '--admin-port', String(adminPort)];
  door = start(folder, 'front-door', process.execPath, [program, ...args]);
}

async function table(): Promise<TargetTable | undefined> {
  try {
    return (await (await fetch(`http://127.0.0.1:${adminPort}/targets`)).json()) as TargetTable;
  } catch {
    return undefined;
  }
}

const stateOf = async (pod: string): Promise<string | undefined> => {
  const targets = (await table())?.targetGroups.flatMap((group) => group.targets) ?? [];
  return targets.find((target) => target.pod === `${NAMESPACE}/${pod}`)?.state;
};

const read = (...args: string[]): string => api.kubectl(['-n', NAMESPACE, 'get', '-o', ...args]);

const gatesOf = (pod: string): string => read('jsonpath={.spec.readinessGates[*].conditionType}', 'pod', pod);

function gateCondition(pod: string): Condition | undefined {
  const conditions = JSON.parse(read('jsonpath={.status.conditions}', 'pod', pod)) as Condition[];
  return conditions.find(({ type }) => type.startsWith('target-health.elbv2.k8s.aws/'));
}

const apply = (...items: object[]): string =>
  api.kubectl(['apply', '--server-side', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });

const patchStatus = (kind: string, name: string, conditions: object[]): string =>
  api.kubectl([
    ...['-n', NAMESPACE, 'patch', kind, name, '--subresource=status', '--type=merge', '-p'],
    JSON.stringify({ status: { conditions } }),
  ]);

/** A pod whose containers are ready, with a server behind it. */
async function createPod(t: Test, name: string, index: number): Promise<void> {
  const { pod, node, slice } = fakePod({ ...(await startPod(t, name)), ready: false }, index);
  const [endpoint] = slice.endpoints ?? [];
  apply(
    { apiVersion: 'v1', kind: 'Node', metadata: node.metadata, spec: node.spec },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: NAMESPACE, labels: { app: 'web' } },
      spec: { nodeName: node.metadata?.name, containers: [{ name: 'web', image: 'web' }] },
    },
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', ...slice, endpoints: [endpoint] },
  );
  patchStatus('node', node.metadata?.name ?? '', [{ type: 'Ready', status: 'True' }]);
  patchStatus('pod', name, [...(pod.status?.conditions ?? [])]);
}

t.test('started before the API server, it waits for it', async (t) => {
  startDoor();
  t.match(await eventually(async () => (await table())?.problems[0]), /the API server cannot be watched: /);
  t.match(await ask(port), { status: 404 });
  await api.start();
  await eventually(async () => ((await table())?.problems.length === 0 ? true : undefined));
});

t.test('an Ingress gets an address, and new pods of its Service a readiness gate', async (t) => {
  apply({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: { 'elbv2.k8s.aws/pod-readiness-gate-inject': 'enabled' } },
  });
  const { metadata: service, spec } = fakeService();
  const withoutUid = { name: service?.name, namespace: NAMESPACE };
  apply(
    { apiVersion: 'v1', kind: 'Service', metadata: withoutUid, spec },
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', ...fakeIngress() },
  );
  const status = await eventually(() => read('jsonpath={.status.loadBalancer.ingress}', 'ingress', 'web') || undefined);
  t.match(JSON.parse(status), [{ hostname: 'localhost', ports: [{ port, protocol: 'TCP' }] }]);
  // The API server takes a moment to use a new policy, and pods that exist never change.
  await eventually(() => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'probe', namespace: NAMESPACE, labels: { app: 'web' } },
    };
    api.kubectl(['delete', 'pod', '-n', NAMESPACE, 'probe', '--ignore-not-found', '--force']);
    apply({ ...pod, spec: { nodeName: 'none', containers: [{ name: 'web', image: 'web' }] } });
    return gatesOf('probe') || undefined;
  });
});

t.test('a pod behind the load balancer: its gate opens when its target is healthy', async (t) => {
  // Ends with the file, for the tests that follow need it.
  await createPod(t.parent as Test, 'first', 0);
  t.match(gatesOf('first'), /^target-health\.elbv2\.k8s\.aws\/k8s-shop-web-[0-9a-f]{10}$/);
  t.match(await eventually(() => gateCondition('first')), { status: 'False' });
  await eventually(() => (gateCondition('first')?.status === 'True' ? true : undefined));
  t.equal(await stateOf('first'), 'healthy');
  t.match(await ask(port, { host: HOST }), { status: 200, body: 'first' });
  t.match(await ask(port, { host: `127.0.0.1:${port}` }), { status: 200, body: 'first' });
});

t.test('killed with its watches, the API server is followed again when it is back', async (t) => {
  await api.kill();
  await eventually(async () => (await table())?.problems[0]);
  t.match(await ask(port), { status: 200, body: 'first' }, 'until then targets stay');
  await api.start();
  await createPod(t.parent as Test, 'second', 1);
  await eventually(async () => ((await stateOf('second')) === 'healthy' ? true : undefined));
  api.kubectl(['delete', 'endpointslice', '-n', NAMESPACE, 'slice-first']);
  await eventually(async () => ((await stateOf('first')) === 'draining' ? true : undefined));
});

t.test('ended and started again, it takes over what is there', async (t) => {
  t.equal(await end(door, 'SIGTERM'), 0);
  startDoor();
  await eventually(async () => ((await stateOf('second')) === 'healthy' ? true : undefined));
  t.match(await ask(port), { status: 200, body: 'second' });
});

t.test('with its Ingress, the policy goes and waiting pods are let go', async (t) => {
  apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'waiting', namespace: NAMESPACE, labels: { app: 'web' } },
    spec: { nodeName: 'none', containers: [{ name: 'web', image: 'web' }] },
  });
  t.not(gatesOf('waiting'), '');
  api.kubectl(['delete', 'ingress', '-n', NAMESPACE, 'web']);
  await eventually(() => (gateCondition('waiting')?.status === 'True' ? true : undefined));
  await eventually(() => (api.kubectl(['get', 'mutatingadmissionpolicies', '-o', 'name']) === '' ? true : undefined));
  t.match(await ask(port), { status: 404 });
});
