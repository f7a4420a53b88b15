import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readOrigin, sourceURL } from '@gitops/images/origin';
import { CommandError } from '@gitops/report/errors';

const ENV = { GIT_AUTHOR_DATE: '1700000000 +0000', GIT_COMMITTER_DATE: '1700000000 +0000' };

/** A clone with one commit of the files in/a and out/b. */
function clone(t: Test): string {
  const folder = t.testdir({ in: { a: 'a' }, out: { b: 'b' } });
  const user = ['-c', 'user.name=x', '-c', 'user.email=x@localhost'];
  for (const args of [
    ['init', '--quiet'],
    ['remote', 'add', 'origin', 'https://bot:secret@git.example.com/team/platform.git'],
    ['add', '.'],
    ['commit', '--quiet', '-m', 'first'],
  ])
    spawnSync('git', ['-C', folder, ...user, ...args], { env: { ...process.env, ...ENV }, stdio: 'inherit' });
  return folder;
}

t.test('an image is dirty when what it is made from has changes, and only then', async (t) => {
  const folder = clone(t);
  const origin = await readOrigin(folder, ['in']);
  t.match(origin.commit, /^[0-9a-f]{40}$/);
  t.match(origin, { created: '2023-11-14T22:13:20.000Z', source: 'https://git.example.com/team/platform' });
  writeFileSync(join(folder, 'out/b'), 'changed');
  t.equal((await readOrigin(folder, ['in'])).commit, origin.commit);
  writeFileSync(join(folder, 'in/new'), 'untracked');
  t.equal((await readOrigin(folder, ['in'])).commit, `${origin.commit}-dirty`);
});

t.test('SOURCE_DATE_EPOCH is the time, if it is one', async (t) => {
  const folder = clone(t);
  t.teardown(() => {
    delete process.env.SOURCE_DATE_EPOCH;
  });
  process.env.SOURCE_DATE_EPOCH = '0';
  t.equal((await readOrigin(folder, ['in'])).created, '1970-01-01T00:00:00.000Z');
  process.env.SOURCE_DATE_EPOCH = 'today';
  await t.rejects(readOrigin(folder, ['in']), { message: /^SOURCE_DATE_EPOCH must be a number of seconds/ });
});

t.test('outside of a clone', async (t) => {
  await t.rejects(readOrigin('/', ['in']), CommandError);
});

t.test('the source in the label has no password of CI', (t) => {
  t.equal(sourceURL('https://bot:secret@git.example.com/team/platform.git'), 'https://git.example.com/team/platform');
  t.equal(sourceURL('git@git.example.com:team/platform.git'), undefined);
  t.equal(sourceURL(''), undefined);
  t.end();
});
