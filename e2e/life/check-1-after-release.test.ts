import t from 'tap';
import { entryRevision, isOperating, isSettled } from '@gitops/local';
import { APP, Stack, until } from '../src/stack.ts';

// The Job that asks the service through its Service after each release (docs/decisions/check-after-release.md).

const stack = await Stack.open();
const JOB = `${APP}-check`;
const service = 'charts/fastify-service/templates/service.yaml';

interface Job {
  readonly metadata: { readonly uid: string };
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly [{ readonly image: string }] } };
  };
  readonly status: {
    readonly active?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

const readJob = async (): Promise<Job> =>
  JSON.parse(await stack.kubectl('-n', APP, 'get', 'job', JOB, '-o', 'json')) as Job;
const hasEnded = ({ status }: Job, as: 'Complete' | 'Failed'): boolean =>
  status.conditions?.some(({ type, status: is }) => type === as && is === 'True') === true;
const words = async (): Promise<string> => stack.kubectl('-n', APP, 'logs', `job/${JOB}`);

/** A release whose pods are ready as ever, and whose Service leads elsewhere. */
async function pushBroken(from: string, to: string) {
  let original = '';
  const { uid } = (await readJob()).metadata;
  const push = await stack.push('A Service that leads elsewhere', {
    [service]: (text) => (original = text).replace(from, to),
  });
  await until('the next check', async () => {
    const job = await readJob().catch(() => undefined);
    return job !== undefined && job.metadata.uid !== uid ? true : undefined;
  });
  const mend = async (): Promise<void> => {
    await stack.push('The Service leads to the pods', { [service]: () => original });
    const { code, stderr } = await stack.make('resume', '--app', APP);
    t.equal(code, 0, stderr);
  };
  return { push, mend };
}

/** What on-call's rollback is, in two calls; to the version that was deployed before the present one. */
async function rollBack(): Promise<void> {
  const { status } = await stack.onCall.application(APP);
  const history = [...(status?.history ?? [])].sort((a, b) => a.id - b.id);
  const present = entryRevision(history.at(-1) ?? { id: 0, deployedAt: '' });
  const target = history.findLast((entry) => entryRevision(entry) !== present);
  await stack.onCall.toggleAutoSync(APP);
  await stack.onCall.rollback(APP, target?.id ?? 0);
}

/** The check of the version before runs again and passes; nothing of the bad one is left. */
async function isOverAfterRollback(good: string): Promise<void> {
  const job = await until('the check of the old version', async () => {
    const found = await readJob().catch(() => undefined);
    return found !== undefined && hasEnded(found, 'Complete') ? found : undefined;
  });
  t.equal(job.spec.template.spec.containers[0].image, good);
  await until('Healthy', async () =>
    (await stack.application()).status?.health?.status === 'Healthy' ? true : undefined,
  );
}

t.test('a good release is Healthy once its version has answered through the Service', async (t) => {
  const image = await stack.ship('12.0.0');
  const job = await readJob();
  t.equal(job.spec.template.spec.containers[0].image, image);
  t.ok(hasEnded(job, 'Complete'), 'Argo CD waited for it');
  t.match(await words(), /^version 12\.0\.0 answered 5 times in a row$/m);
  t.equal((await stack.application()).status?.sync?.status, 'Synced', 'what Kubernetes adds to a Job is no difference');
});

t.test(
  'a Service without pods: Progressing, a rollback is accepted meanwhile, and it is the end of that check',
  async () => {
    const good = await stack.image();
    const { mend } = await pushBroken('selector:', 'selector:\n    nobody: has-this-label');
    const { metadata } = await until('a check that runs', async () => {
      const job = await readJob();
      return job.status.active === 1 ? job : undefined;
    });
    const application = await until('the end of the sync', async () => {
      const now = await stack.application();
      return isOperating(now) ? undefined : now;
    });
    t.equal(application.status?.operationState?.phase, 'Succeeded', 'the sync is over, the check is not');
    t.equal((await readJob()).metadata.uid, metadata.uid);
    t.equal(await until('Progressing', async () => (await stack.application()).status?.health?.status), 'Progressing');
    t.ok(await stack.isRolledOut(good), 'its pods are ready');
    await rollBack();
    await isOverAfterRollback(good);
    await mend();
  },
);

t.test('a Service that leads to a wrong port: Degraded, with the reason in its log; a rollback mends it', async (t) => {
  const good = await stack.image();
  const { push, mend } = await pushBroken('targetPort: http', 'targetPort: admin');
  await t.rejects(stack.delivered(push), new RegExp(`Job/${JOB} Degraded`));
  t.ok(hasEnded(await readJob(), 'Failed'));
  t.match(
    await words(),
    /^no right answer for 15 s: http:\/\/fastify-service\.fastify-service\.svc\/\S+ answered 404/m,
  );
  t.match((await stack.make('status')).stdout, new RegExp(`${APP}: Job/${JOB} Degraded`));
  t.ok(await stack.isRolledOut(good), 'its pods are ready');
  await rollBack();
  await isOverAfterRollback(good);
  await mend();
  t.ok(isSettled(await stack.application()));
});

t.test('a Job that somebody deletes comes back, and asks again', async (t) => {
  const { uid } = (await readJob()).metadata;
  await stack.kubectl('-n', APP, 'delete', 'job', JOB);
  const job = await until('the next check', async () => {
    const found = await readJob().catch(() => undefined);
    return found !== undefined && hasEnded(found, 'Complete') ? found : undefined;
  });
  t.not(job.metadata.uid, uid);
});
