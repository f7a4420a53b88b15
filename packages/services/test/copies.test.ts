import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FIRST_SERVICE, serviceNames } from '@gitops/settings/services';
import { addService } from '../src/add.ts';
import { ownFiles } from '../src/files.ts';
import { cloneOf, root } from './copy.ts';

/** The files of further services that are to be as those of the first one, and are not. */
function stray(folder: string): string[] {
  const found: string[] = [];
  for (const name of serviceNames(folder).filter((each) => each !== FIRST_SERVICE))
    for (const { file, text } of ownFiles(folder, name)) {
      if (!/^(argocd|\.github)\//.test(file)) continue;
      // On its way out: see remove.ts.
      const now = readFileSync(join(folder, file), 'utf8').replace(
        'applicationsSync: sync',
        'applicationsSync: create-update',
      );
      if (now !== text) found.push(file);
    }
  return found;
}

t.test('ApplicationSets and release workflow of every service are those of the first, with another name', (t) => {
  t.strictSame(stray(root), [], 'change them together');
  const { folder } = cloneOf(t);
  addService(folder, 'orders');
  t.strictSame(stray(folder), []);
  appendFileSync(join(folder, 'argocd/applications/fastify-service.yaml'), '# more\n');
  t.strictSame(stray(folder), ['argocd/applications/orders.yaml']);
  t.end();
});
