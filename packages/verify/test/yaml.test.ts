import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';

const root = resolve(import.meta.dirname, '../../..');

t.test('no YAML file of the repository has a key twice', (t) => {
  const { stdout } = spawnSync(
    'git',
    ['-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '*.yaml', '*.yml'],
    { encoding: 'utf8' },
  );
  // A template is no YAML before Helm has read it; `make check` looks at what Helm makes of it.
  const files = stdout.split('\0').filter((file) => file !== '' && !file.includes('/templates/'));
  t.ok(files.length > 25, `${files.length} files`);
  for (const file of files) {
    const errors = parseAllDocuments(readFileSync(join(root, file), 'utf8'), {
      uniqueKeys: true,
      prettyErrors: true,
    }).flatMap((document) => document.errors.map(({ message }) => message));
    t.strictSame(errors, [], file);
  }
  t.end();
});
