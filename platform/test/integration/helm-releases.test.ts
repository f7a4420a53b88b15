import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { CALLER, type Story, storyOf } from '../apply-in-tests.ts';
import { plantCluster } from '../planted-cluster.ts';
import { openPlatform, type Platform } from '../platform-in-tests.ts';
import { AwsError } from '../simulated-aws/operations.ts';

// What becomes of Helm releases: after a killed apply, after one that failed, and after somebody deleted them by hand.

/** Argo CD's stack in a cluster that is there, not applied yet. */
async function openArgoCd(t: Test): Promise<Story> {
  const platform = await openPlatform(t, ({ name }) => name === 'dev-argocd');
  plantCluster(platform.cloud, CALLER);
  await platform.engine('dev-argocd').init();
  return storyOf(platform, t.testdirName);
}

/** Kills OpenTofu once, while Helm does something with a release that then stays in this state. */
function killHelm(platform: Platform, release: string, status: string): void {
  const { cloud } = platform;
  cloud.faults.after = () => {
    const { pid } = platform.engine('dev-argocd');
    const thing = cloud.things('helm_release').find(({ id }) => id === release);
    if (cloud.timeline.at(-1)?.id !== release || thing === undefined || pid === undefined) return;
    thing.values = { ...thing.values, status };
    cloud.faults.after = () => undefined;
    process.kill(pid, 'SIGKILL');
  };
}

const statuses = ({ cloud }: Platform): string[] =>
  cloud.things('helm_release').map(({ id, values }) => `${id} ${String(values.status)}`);

t.test('a Helm release is installed, finished or found again, whatever a killed apply left of it', async (t) => {
  const { platform, apply, printed } = await openArgoCd(t);
  const engine = platform.engine('dev-argocd');
  killHelm(platform, 'argocd', 'pending-install');
  t.notOk(await apply('dev-argocd'));
  t.same(statuses(platform), ['argocd pending-install']);
  const plain = await engine.apply();
  t.match(
    plain.output,
    /Error: installation failed[^]*cannot re-use a name that is still in use/,
    'by itself it cannot go on',
  );
  const found = await engine.run('import', '-no-color', 'helm_release.root', 'argocd/root');
  t.match(found.output, /Error: Error getting release[^]*Unable to get Helm release root: release: not found/);

  t.ok(await apply('dev-argocd'));
  t.same(statuses(platform), ['argocd deployed', 'root deployed']);
  t.match(printed, [/\nrevision 1 of the Helm release argocd was left pending-install; its record is deleted$/]);

  // An upgrade that is not finished: of a release that the state has.
  platform.change(['dev', 'domain: preview.dev.example.com', 'domain: preview.example.com']);
  killHelm(platform, 'root', 'pending-upgrade');
  t.notOk(await apply('dev-argocd'));
  t.match(
    (await engine.apply()).output,
    /Error upgrading chart[^]*another operation \(install\/upgrade\/rollback\) is in/,
  );
  t.ok(await apply('dev-argocd'));
  t.match(printed.at(-1), /revision 2 of the Helm release root was left pending-upgrade/);
  t.match(JSON.stringify(platform.cloud.things('helm_release')), 'preview.example.com');

  // A machine is lost with its state: what is deployed is imported.
  const before = platform.cloud.operations;
  rmSync(join(engine.folder, '../../../state/dev-argocd.tfstate'));
  t.ok(await apply('dev-argocd', { lost: true }));
  t.notOk(
    platform.cloud.timeline.slice(before).some(({ operation }) => operation === 'create'),
    'nothing twice',
  );
  t.same(statuses(platform), ['argocd deployed', 'root deployed']);
  t.equal((await engine.plan()).code, 0);
});

t.test('a Helm release that did not come up is installed again by the next apply', async (t) => {
  const { platform, apply, printed } = await openArgoCd(t);
  const { cloud } = platform;
  cloud.faults.after = () => {
    const root = cloud.things('helm_release').find(({ id }) => id === 'root');
    if (root === undefined) return;
    root.values = { ...root.values, status: 'failed' };
    throw new AwsError('Helm release error', 'context deadline exceeded');
  };
  await t.rejects(apply('dev-argocd'), /Helm release error[^]*context deadline exceeded/);
  cloud.faults.after = () => undefined;
  t.same(statuses(platform), ['argocd deployed', 'root failed']);
  t.match(
    (await platform.engine('dev-argocd').apply()).output,
    /cannot re-use a name that is still in use/,
    'by itself it cannot go on: the state has forgotten it',
  );
  t.ok(await apply('dev-argocd'));
  t.same(statuses(platform), ['argocd deployed', 'root deployed']);
  t.equal(printed[0], 'revision 1 of the Helm release root was left failed; its record is deleted');
});

t.test('releases of a cluster that cannot be reached are not taken for gone', async (t) => {
  const { platform, apply, printed } = await openArgoCd(t);
  const { cloud } = platform;
  const engine = platform.engine('dev-argocd');
  t.ok(await apply('dev-argocd'));
  const [entry] = cloud.things('aws_eks_access_policy_association');
  if (entry === undefined) throw new Error('no entry');
  cloud.remove(entry);
  t.match((await engine.plan()).output, /Plan: 2 to add/, 'the provider takes what it cannot read for gone');
  await t.rejects(apply('dev-argocd'), { message: /You must be logged in/ }, 'so nothing is planned');
  const held = async (): Promise<string[]> =>
    (await engine.run('state', 'list')).output.split('\n').filter((line) => line.startsWith('helm_'));
  t.equal((await held()).length, 2);

  // As another program than `make apply` would do it.
  t.match(
    (await engine.apply()).output.replaceAll(/\s+/g, ' '),
    /installation failed .*Kubernetes cluster unreachable: the server has asked for the client to provide credentials/,
  );
  t.same(await held(), [], 'which the state then has lost');
  cloud.plant('aws_eks_access_policy_association', entry.values, CALLER);
  t.match((await engine.apply()).output, /cannot re-use a name that is still in use/);
  t.ok(await apply('dev-argocd'));
  t.same(printed, [
    'the Helm release argocd/argocd was not in the state; it is imported',
    'the Helm release argocd/root was not in the state; it is imported',
  ]);
  t.equal((await held()).length, 2);
  t.equal((await engine.plan()).code, 0);
});

t.test('what another apply may be at is left alone', async (t) => {
  const { platform, apply } = await openArgoCd(t);
  t.ok(await apply('dev-argocd'));
  const root = platform.cloud.things('helm_release').find(({ id }) => id === 'root');
  if (root === undefined) throw new Error('no root');
  for (const [status, says] of [
    ['pending-upgrade', /another operation \(install\/upgrade\/rollback\) is in progress/],
    ['uninstalling', /"root" has no deployed releases/],
  ] as const) {
    root.values = { ...root.values, status };
    await t.rejects(apply('dev-argocd'), says);
    t.equal(root.values.status, status);
  }
  t.ok(await apply('dev-argocd', { lost: true }), 'until somebody says that it was killed');
  t.same(statuses(platform), ['argocd deployed', 'root deployed']);
});

t.test('what somebody deleted by hand has a way on: a release, the cluster', async (t) => {
  const { platform, apply } = await openArgoCd(t);
  const { cloud } = platform;
  const engine = platform.engine('dev-argocd');
  t.ok(await apply('dev-argocd'));
  const remove = (...types: readonly string[]): void => {
    for (const thing of cloud.things()) if (types.includes(thing.type)) cloud.remove(thing);
  };
  remove('helm_release', 'kubernetes_namespace');
  t.ok(await apply('dev-argocd'), 'releases are installed again');
  t.same(statuses(platform), ['argocd deployed', 'root deployed']);

  remove('helm_release', 'kubernetes_namespace', 'aws_eks_cluster');
  plantCluster(cloud, CALLER);
  t.ok(await apply('dev-argocd'), 'and in a cluster that was created again');
  t.same(statuses(platform), ['argocd deployed', 'root deployed']);

  remove('helm_release');
  t.equal((await engine.destroy()).code, 0, 'a destroy needs none of them');

  t.ok(await apply('dev-argocd'));
  remove('helm_release', 'kubernetes_namespace', 'aws_eks_cluster');
  t.match((await engine.destroy()).errors, [/^ResourceNotFoundException: No cluster found for name: dev\.$/]);
  const held = (await engine.run('state', 'list')).output.split('\n').filter((line) => line.startsWith('helm_'));
  t.equal(held.length, 2);
  t.equal((await engine.run('state', 'rm', ...held)).code, 0, 'so destroy takes them out of the state');
});
