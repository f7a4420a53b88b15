import { globSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

// What no test imports would not count as uncovered. main.ts is the one exception: it is a process, and main.test.ts
// runs it.
t.test('every module is loaded, so that the coverage is that of all', async (t) => {
  const root = join(import.meta.dirname, '../src');
  const modules = globSync('**/*.ts', { cwd: root }).filter((file) => file !== 'main.ts');
  t.ok(modules.length > 20);
  for (const file of modules) t.type(await import(join(root, file)), 'object', file);
});
