import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openInstance, processes } from '@gitops/local';
import { DRILL_FOLDER, Stack } from '../src/stack.ts';

const stack = await Stack.open();

interface Started {
  readonly argocd: { readonly program: string; readonly version: string; readonly pages: boolean };
}

const status = async (): Promise<Started> => JSON.parse((await stack.make('status', '--json')).stdout) as Started;
const pids = (): Record<string, number | undefined> =>
  Object.fromEntries(processes(openInstance({ dir: DRILL_FOLDER }), stack.ports).map(({ name, pid }) => [name, pid]));

t.test('Argo CD starts again as the program of a release, and as our own build after that', async (t) => {
  const before = pids();
  t.match((await status()).argocd, { program: 'built', pages: false });

  // No release is at hand: this one is our own build, which reports the version and has no pages either.
  const program = join(t.testdir({}), 'argocd-linux-amd64');
  writeFileSync(program, `#!/bin/sh\nexec '${stack.tools.bin}/argocd' "$@"\n`);
  chmodSync(program, 0o755);
  const up = await stack.make('up', '--argocd', program);
  t.equal(up.code, 0, up.stderr);
  t.match((await status()).argocd, { program, version: /^v\d/, pages: false });
  const released = pids();
  const changed = Object.keys(before).filter((name) => before[name] !== released[name]);
  t.same(changed.sort(), [
    'argocd-application-controller',
    'argocd-applicationset-controller',
    'argocd-notifications-controller',
    'argocd-repo-server',
    'argocd-server',
  ]);
  t.match((await stack.make('up')).stderr, /Argo CD .*\(was running\)/, 'the choice is remembered');
  t.same(pids(), released);

  const refused = await stack.make('up', '--argocd', '/bin/true');
  t.equal(refused.code, 1);
  t.match(refused.stderr, /^error: ARGOCD: \/bin\/true is not argocd\n next: .*ARGOCD=built/);
  t.same(pids(), released, 'nothing was touched');

  t.equal((await stack.make('up', '--argocd', 'built')).code, 0);
  t.match((await status()).argocd, { program: 'built' });
});

t.test('on-call logs in with the password of this machine, and has the rights of on-call', async (t) => {
  const { ARGOCD_ONCALL_PASSWORD: password, ARGOCD_SERVER: server } = JSON.parse(
    (await stack.make('env', '--json')).stdout,
  ) as Record<string, string>;
  const call = async (path: string, token: string, body?: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`http://${server ?? ''}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const { token } = await call('/session', '', { username: 'on-call', password });
  t.match(await call('/session/userinfo', String(token)), { loggedIn: true, username: 'on-call' });
  t.equal((await call('/account/can-i/applications/sync/services/fastify-service', String(token))).value, 'yes');
  t.equal((await call('/account/can-i/applications/delete/services/fastify-service', String(token))).value, 'no');
  t.match(await call('/session', '', { username: 'on-call', password: 'wrong' }), { error: /Invalid username/ });
});
