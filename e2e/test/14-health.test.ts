import t from 'tap';
import { isOperating, isSettled } from '@gitops/local';
import { APP, Stack, until } from '../src/stack.ts';

// A sync that fails for good stops self-heal (docs/decisions/failed-syncs.md), and what brings it back.

const stack = await Stack.open();
const applicationSet = 'argocd/applications/fastify-service.yaml';
const extra = 'charts/fastify-service/templates/extra.yaml';

/** Somebody changes by hand what Git says; a field that Git does not say would be no difference. */
const changeByHand = async (): Promise<string> =>
  stack.kubectl('-n', APP, 'patch', 'deployment', APP, '-p', '{"spec":{"progressDeadlineSeconds":99}}');
const isChanged = async (): Promise<boolean> =>
  (await stack.kubectl('-n', APP, 'get', 'deployment', APP, '-o', 'jsonpath={.spec.progressDeadlineSeconds}')) === '99';

/** What the alert SelfHealStopped reads. */
async function syncErrors(): Promise<string[]> {
  const url = `http://127.0.0.1:${stack.ports['application-controller-metrics']}/metrics`;
  const lines = (await (await fetch(url)).text()).split('\n');
  return lines.filter((line) => line.startsWith('argocd_app_condition{') && line.includes(`name="${APP}"`));
}

async function syncError(): Promise<string | undefined> {
  // Argo CD decides whether to sync before it answers.
  const { status } = await stack.platform.refresh(APP);
  return status?.conditions?.find(({ type }) => type === 'SyncError')?.message;
}

async function healed(): Promise<void> {
  await until('self-heal', async () => {
    if (await isChanged()) return undefined;
    return isSettled(await stack.application()) ? true : undefined;
  });
}

t.test('a change by hand is reverted, and the next ones of the same commit as well', async (t) => {
  await until('rest', async () => isSettled(await stack.application()) || undefined);
  for (let change = 1; change <= 4; change += 1) {
    const start = performance.now();
    await changeByHand();
    await healed();
    t.notOk(await isChanged());
    t.comment(`change ${change}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
});

t.test(
  'a sync that fails with its last retry ends self-heal; the metric tells; a sync by on-call brings it back',
  async (t) => {
    // One retry instead of five, which take a minute.
    const limit = async (from: string, to: string): Promise<void> => {
      await stack.push(`${to} retries`, { [applicationSet]: (text) => text.replace(`limit: ${from}`, `limit: ${to}`) });
      await stack.platform.refresh('root');
      await until('the new limit', async () => {
        const { spec } = (await stack.application()) as { spec: { syncPolicy?: { retry?: { limit?: number } } } };
        return spec.syncPolicy?.retry?.limit === Number(to) ? true : undefined;
      });
    };
    await limit('5', '1');
    await stack.create({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'no-more', namespace: APP },
      spec: { hard: { 'count/configmaps': '0' } },
    });
    t.same(await syncErrors(), []);
    await stack.push('One ConfigMap more', {
      [extra]: () => 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: extra }\n',
    });
    const { status } = await until('the last retry', async () => {
      const now = await stack.application();
      return now.status?.operationState?.phase === 'Failed' && !isOperating(now) ? now : undefined;
    });
    t.match(status?.operationState?.message, /exceeded quota.*\(retried 1 times\)/s);

    await changeByHand();
    t.match(await syncError(), /^Failed last sync attempt to .*exceeded quota/s);
    t.ok(await isChanged());
    t.equal((await syncErrors()).length, 1);
    t.match(await syncErrors(), [/condition="SyncError".*project="services".* 1$/]);
    t.match((await stack.make('status')).stdout, new RegExp(`${APP}: SyncError: Failed last sync attempt`));

    await stack.kubectl('-n', APP, 'delete', 'resourcequota', 'no-more');
    t.ok(await syncError(), 'that the reason has passed changes nothing');
    await stack.push('Elsewhere', { 'README.md': (text) => `${text}\n` });
    t.ok(await syncError(), 'nor does a commit that is not of this Application');
    t.ok(await isChanged());

    await stack.onCall.sync(APP);
    await healed();
    t.same(await syncErrors(), []);
    await changeByHand();
    await healed();

    await stack.delivered(await stack.push('No ConfigMap more', { [extra]: () => undefined }));
    await limit('1', '5');
  },
);

t.test('a commit to the Application brings self-heal back as well', async (t) => {
  // A sync that is ended has failed, too.
  await stack.create({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'no-more', namespace: APP },
    spec: { hard: { 'count/configmaps': '0' } },
  });
  await stack.push('One ConfigMap more', {
    [extra]: () => 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: extra }\n',
  });
  await until('a failing sync', async () => {
    const { operationState } = (await stack.application()).status ?? {};
    return operationState?.phase === 'Running' && (operationState.retryCount ?? 0) > 0 ? true : undefined;
  });
  await stack.onCall.terminateOperation(APP);
  await until('its end', async () => (isOperating(await stack.application()) ? undefined : true));
  await changeByHand();
  t.match(await syncError(), /^Failed last sync attempt/);
  t.ok(await isChanged());
  await stack.kubectl('-n', APP, 'delete', 'resourcequota', 'no-more');
  await stack.delivered(await stack.push('No ConfigMap more', { [extra]: () => undefined }));
  await healed();
});
