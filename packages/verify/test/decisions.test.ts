import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { read, root } from './tree.ts';

t.test('the list of decisions names every decision', (t) => {
  const list = read('docs/decisions/README.md');
  for (const file of readdirSync(join(root, 'docs/decisions')).filter((name) => name !== 'README.md')) {
    t.ok(list.includes(`](${file})`), file);
    for (const part of ['Context', 'Decision', 'Rejected', 'Consequences'])
      t.match(read(`docs/decisions/${file}`), new RegExp(`^## ${part}$`, 'm'), `${file}: ${part}`);
  }
  t.end();
});
