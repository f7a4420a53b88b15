import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import t from 'tap';
import { commitToMain } from '../../src/commit.ts';
import { host } from '../git-host.ts';
import { digest, imageText, serve, writing } from '../served-repository.ts';

const main = resolve(import.meta.dirname, '../../src/main.ts');
const realGit = spawnSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).stdout.trim();

/**
 * A `git` that counts its calls and kills the program that called it by SIGKILL: before the call of a number runs, or after
 * it.
 */
const KILLER = `#!/bin/sh
count=$(($(cat "$KILLER_COUNT" 2>/dev/null || echo 0) + 1))
echo "$count" > "$KILLER_COUNT"
[ "$count $KILLER_WHEN" = "$KILLER_AT before" ] && kill -9 "$PPID" && exit 1
"$KILLER_GIT" "$@"
code=$?
[ "$count $KILLER_WHEN" = "$KILLER_AT after" ] && kill -9 "$PPID"
exit "$code"
`;

t.test('a bumper that is killed at any step leaves a state from which the next one succeeds', async (t) => {
  const { remote, git } = await serve(t);
  await git('config', 'http.receivepack', 'true');
  const file = 'clusters/dev/app.image.yaml';
  await commitToMain(remote, writing({ [file]: imageText('0', '0') }));
  const commit = await git('rev-parse', 'main');
  const { url } = await host(t, { repository: remote.url });
  const clone = join(t.testdirName, 'clone');
  const bin = join(t.testdirName, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'git'), KILLER);
  chmodSync(join(bin, 'git'), 0o755);
  spawnSync(realGit, ['init', '--quiet', clone]);
  spawnSync(realGit, ['-C', clone, 'remote', 'add', 'origin', url]);
  const store = join(clone, '.local/delivery.git');
  const count = join(t.testdirName, 'count');

  /** A bump that is killed at a call of git, or not at all; gives its signal or code. */
  const bumpOnce = async (tag: string, at = 0, when = 'before'): Promise<number | string | null> => {
    writeFileSync(count, '0');
    const args = [
      'bump',
      '--cluster',
      'dev',
      '--app',
      'app',
      '--tag',
      tag,
      '--digest',
      digest('a'),
      '--commit',
      commit,
    ];
    const child = spawn(process.execPath, [main, ...args], {
      cwd: clone,
      stdio: 'ignore',
      env: {
        ...process.env,
        PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
        ...{ KILLER_COUNT: count, KILLER_AT: String(at), KILLER_WHEN: when, KILLER_GIT: realGit },
      },
    });
    return new Promise((done) =>
      child.on('close', (code, signal) => {
        done(signal ?? code);
      }),
    );
  };

  t.equal(await bumpOnce('whole'), 0);
  const calls = Number(readFileSync(count, 'utf8'));
  t.ok(calls > 10, `${calls} calls of git`);
  let number = 0;
  for (let at = 1; at <= calls + 1; at += 1) {
    for (const when of ['before', 'after']) {
      number += 1;
      const before = await git('rev-list', '--count', 'main');
      const ended = await bumpOnce(`${number}-killed`, at, when);
      if (at <= calls - 1) t.equal(ended, 'SIGKILL', `killed ${when} call ${at}`);
      t.equal(await bumpOnce(`${number}-next`), 0, `the next one succeeds after a kill ${when} call ${at}`);
      t.match(await git('show', `main:${file}`), `tag: "${number}-next"`);
      const landed = Number(await git('rev-list', '--count', 'main')) - Number(before);
      t.ok(landed === 1 || landed === 2, `${landed} commits: whole ones, or none`);
    }
  }
  t.equal(await git('for-each-ref', '--format=%(refname)'), 'refs/heads/main');
  t.equal(await git('rev-list', '--merges', '--count', 'main'), '0');
  await git('fsck', '--strict');
  t.ok(existsSync(store));
  t.strictSame(
    readdirSync(remote.url, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.lock')),
    [],
    'no lock stays at the remote',
  );
});
