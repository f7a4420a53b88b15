import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { goEnvironment, goFolder } from '../../src/go.ts';

// The first time, they compile what they test.
t.setTimeout(600_000);

const files = readdirSync(goFolder, { recursive: true, encoding: 'utf8' });
const packages = new Set(files.filter((file) => file.endsWith('_test.go')).map((file) => dirname(file)));

for (const folder of [...packages].sort()) {
  t.test(`go test ${folder}`, (t) => {
    // Compiled as the programs are, so that both share Go's cache.
    const { status, stdout, stderr } = spawnSync('go', ['test', '-gcflags=all=-dwarf=false', '.'], {
      cwd: join(goFolder, folder),
      env: goEnvironment(),
      encoding: 'utf8',
    });
    t.equal(status, 0, `${stdout}${stderr}`);
    t.end();
  });
}

t.test('Go code is formatted', (t) => {
  const sources = files.filter((file) => file.endsWith('.go'));
  const { stdout } = spawnSync('gofmt', ['-l', ...sources], { cwd: goFolder, encoding: 'utf8' });
  t.equal(stdout, '', 'run gofmt -w on these');
  t.end();
});
