import t from 'tap';
import { run } from '@gitops/tools/run';
import { APP, Stack } from '../src/stack.ts';

const stack = await Stack.open();
const exports = (await stack.make('env')).stdout;

/** Runs a line in a shell that has taken over what `make env` prints, and nothing else. */
const shell = async (line: string): Promise<string> =>
  (await run('sh', ['-c', `${exports}\n${line}`], { env: { PATH: process.env.PATH, HOME: t.testdirName } })).trim();

t.test('the exports of make env are all that kubectl, helm, argocd and git need', async (t) => {
  t.match(await shell('kubectl get nodes -o name'), 'node/simulated-a\nnode/simulated-b');
  t.match(await shell('kubectl version'), 'Server Version: v1.36.3');
  t.match(await shell('helm version --short'), /^v4\.2/);
  t.match(await shell('argocd app list -o name'), `argocd/${APP}\nargocd/root`);
  t.match(await shell('argocd account get-user-info'), 'Username: platform');
  t.match(await shell('git ls-remote "$LOCAL_GIT_URL" refs/heads/main'), /^[0-9a-f]{40}\trefs\/heads\/main$/);
});

t.test('an argocd CLI sees the same history that make rollback names', async (t) => {
  const ids = (await shell(`argocd app history ${APP} -o id`)).split('\n').map(Number);
  t.same(
    ids,
    ((await stack.application()).status?.history ?? []).map(({ id }) => id),
  );
});
