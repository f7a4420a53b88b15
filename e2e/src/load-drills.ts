// What happens to a running service on an ordinary day, each under a load that must not lose a request. The short form is
// life/load-1-rollouts.test.ts, the long one soak/rollouts.test.ts.
import { join } from 'node:path';
import type { Test } from 'tap';
import { clusterEnvironment } from '@gitops/local';
import { run } from '@gitops/tools/run';
import { sideBySide } from './front-door.ts';
import { machineLoad } from './machine-load.ts';
import { APP, type Deployment, type Stack, succeed, until } from './stack.ts';
import { atRest, type LoadSize, phaseTable, UnderLoad } from './under-load.ts';

export interface LoadDrills extends LoadSize {
  /** The pods before the scale-in; two are left. */
  readonly pods: number;
  /**
   * Whether the autoscaler waits for five quiet minutes before it takes pods away, as the chart has it. Otherwise it acts
   * at once; what happens to the pods is the same.
   */
  readonly isPatient: boolean;
}

const VALUES = 'clusters/local/fastify-service.yaml';
const AUTOSCALER = 'charts/fastify-service/templates/horizontalpodautoscaler.yaml';
const [QUIET, AT_ONCE] = ['stabilizationWindowSeconds: 300', 'stabilizationWindowSeconds: 0 # at once'];
const MINIMUM = 2;

/** Rollout, rollback, drain of a node and scale-in, one after the other, under one load. */
export async function loadDrills(t: Test, stack: Stack, { pods, isPatient, ...size }: LoadDrills): Promise<void> {
  await atRest(stack);
  const load = await UnderLoad.start(stack, size);
  t.comment(`load of the machine at the start: ${machineLoad()}`);
  try {
    await t.test('rollout: the old and the new version answer side by side', async (t) => rollOut(t, stack, load));
    await t.test('rollback by the calls of the UI', async (t) => rollBack(t, stack, load));
    await t.test('drain of a node that has all pods: one at a time', async (t) => drain(t, stack, load));
    await t.test('scale-in by the autoscaler, against which Argo CD does nothing', async (t) =>
      scaleIn(t, stack, load, { pods, isPatient }),
    );
  } finally {
    const { phases, dropped } = await load.stop();
    t.comment(`${phaseTable(phases)}\n${dropped} due and not sent; load of the machine: ${machineLoad()}`);
    for (const { name, requests, failures } of phases)
      t.same(failures.slice(0, 5), [], `${name}: none of ${requests} requests failed (${failures.length} did)`);
  }
}

/** The version that the pods are built of. */
const versionOf = async (stack: Stack): Promise<string> => /:([^:@]+)@/.exec(await stack.image())?.[1] ?? '';

async function rollOut(t: Test, stack: Stack, load: UnderLoad): Promise<void> {
  const old = await versionOf(stack);
  t.not(old, '9.0.0');
  const { pods } = await load.phase('rollout', async () => {
    t.ok(await stack.isRolledOut(await stack.ship('9.0.0')), 'the new version is rolled out');
  });
  const overlap = sideBySide(pods, old, '9.0.0');
  t.ok(overlap > 0, `${old} and 9.0.0 answered side by side for ${overlap / 1000} s`);
}

async function rollBack(t: Test, stack: Stack, load: UnderLoad): Promise<void> {
  const old = ((await stack.application()).status?.history ?? []).length;
  t.ok(old > 1, 'there is a version to go back to');
  const before = await versionOf(stack);
  const { pods } = await load.phase('rollback', async () => {
    await succeed(stack.instance.dir, ['rollback', '--app', APP]);
  });
  const after = await versionOf(stack);
  t.not(after, before, `back from ${before} to ${after}`);
  const overlap = sideBySide(pods, before, after);
  t.ok(overlap > 0, `${before} and ${after} answered side by side for ${overlap / 1000} s`);
  await stack.kubectl('cordon', 'machine-a');
  await load.phase('resume', async () => {
    await succeed(stack.instance.dir, ['resume', '--app', APP]);
  });
  await stack.kubectl('uncordon', 'machine-a');
  t.equal(await versionOf(stack), before);
}

interface Pods {
  readonly items: readonly { readonly spec: { readonly nodeName: string } }[];
}

const nodesOf = async (stack: Stack): Promise<string[]> =>
  (
    JSON.parse(
      await stack.kubectl('-n', APP, 'get', 'pods', '-l', `app.kubernetes.io/name=${APP}`, '-o', 'json'),
    ) as Pods
  ).items.map(({ spec }) => spec.nodeName);

async function drain(t: Test, stack: Stack, load: UnderLoad): Promise<void> {
  t.same(await nodesOf(stack), ['machine-b', 'machine-b'], 'all pods are on one node');
  let refusals = '';
  try {
    const { leastHealthy } = await load.phase('drain', async () => {
      await run(
        join(stack.tools.bin, 'kubectl'),
        ['drain', 'machine-b', '--delete-emptydir-data', '--ignore-daemonsets', '--timeout=180s'],
        {
          env: clusterEnvironment(stack.instance, stack.tools),
          onErrorLine: (line) => (refusals += `${line}\n`),
        },
      );
      t.same(new Set(await nodesOf(stack)), new Set(['machine-a']), 'all pods are on the other node');
    });
    t.match(refusals, /violate the pod's disruption budget/, 'the second pod had to wait');
    t.ok(leastHealthy >= 1, `${leastHealthy} targets were healthy at any moment`);
  } finally {
    await stack.kubectl('uncordon', 'machine-b');
  }
}

async function scaleIn(
  t: Test,
  stack: Stack,
  load: UnderLoad,
  { pods, isPatient }: Pick<LoadDrills, 'pods' | 'isPatient'>,
): Promise<void> {
  await stack.delivered(
    await stack.push(`${pods} pods at least`, {
      [VALUES]: (text) => text.replace('  enabled: true\n', `  enabled: true\n  minReplicas: ${pods}\n`),
      [AUTOSCALER]: (text) => (isPatient ? text : text.replace(QUIET, AT_ONCE)),
    }),
  );
  await until('the new minimum runs', async () =>
    (await stack.deployment()).status.availableReplicas === pods ? true : undefined,
  );
  const seen: number[] = [];
  let synced: string | undefined;
  await load.phase('scale-in', async () => {
    await stack.delivered(
      await stack.push('Two pods again', { [VALUES]: (text) => text.replace(`  minReplicas: ${pods}\n`, '') }),
    );
    synced = (await stack.application()).status?.operationState?.startedAt;
    // The autoscaler takes a quarter of them in a minute, and what it found in the last five minutes counts.
    await until(
      'the autoscaler is back at its minimum',
      async () => {
        const { spec }: Deployment = await stack.deployment();
        if (seen.at(-1) !== spec.replicas) seen.push(spec.replicas);
        return spec.replicas === MINIMUM ? true : undefined;
      },
      480_000,
    );
  });
  t.same(
    seen,
    [...seen].sort((a, b) => b - a),
    `it only went down: ${seen.join(', ')}`,
  );
  const { status } = await stack.application();
  t.equal(status?.operationState?.startedAt, synced, 'Argo CD has synced nothing meanwhile');
  t.equal(status?.sync?.status, 'Synced');
  t.equal((await stack.deployment()).spec.replicas, MINIMUM);
  if (!isPatient)
    await stack.delivered(await stack.push('Patience again', { [AUTOSCALER]: (text) => text.replace(AT_ONCE, QUIET) }));
}
