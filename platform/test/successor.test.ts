import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { synthesize } from '../src/app.ts';

const repository = resolve(import.meta.dirname, '../..');

/** Every JSON file of a synthesized folder, without the stamp of who wrote it. */
function documents(folder: string): Record<string, unknown> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
  const withoutVersion = (key: string, value: unknown): unknown =>
    key === 'version' && typeof value === 'string' && /^0\.\d+\.\d+$/.test(value) ? undefined : value;
  return Object.fromEntries(
    files.sort().map((file) => [file, JSON.parse(readFileSync(join(folder, file), 'utf8'), withoutVersion) as unknown]),
  );
}

t.test('CDKTF is archived: its successor writes the same, so that moving on is a line in package.json', (t) => {
  const [ours, theirs] = [t.testdir(), join(t.testdirName, 'successor')];
  synthesize(repository, join(ours, 'cdktf'));
  const program = `import { App } from 'cdktf';
    import { synthesize } from ${JSON.stringify(resolve(import.meta.dirname, '../src/app.ts'))};
    synthesize(${JSON.stringify(repository)}, ${JSON.stringify(theirs)});
    console.log(import.meta.resolve('cdktf'));`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', resolve(import.meta.dirname, 'successor-hook.mjs'), '--input-type=module', '--eval', program],
    { cwd: import.meta.dirname, encoding: 'utf8', env: { PATH: process.env.PATH } },
  );
  t.equal(status, 0, stderr);
  t.match(stdout, /cdktn/, 'it was the successor that wrote');
  const expected = documents(join(ours, 'cdktf'));
  t.ok(Object.keys(expected).length > 10);
  t.same(documents(theirs), expected);
  t.end();
});
