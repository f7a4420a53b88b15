import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { goFolder } from '../src/go.ts';

/** The version of every module that a go.mod requires or replaces, the replacement where there is one. */
function versionsIn(module: string): Map<string, string> {
  const text = readFileSync(join(goFolder, module, 'go.mod'), 'utf8').replace(/^exclude \([^)]*\)/m, '');
  const versions = new Map<string, string>();
  for (const [, name = '', version = ''] of text.matchAll(/^(?:\t|require )(\S+) (v\S+)/gm))
    versions.set(name, version);
  for (const [, name = '', version = ''] of text.matchAll(/^replace (\S+) => \S+ (v\S+)/gm))
    versions.set(name, version);
  return versions;
}

t.test('metrics-server is built from the versions of the cluster, and so from the same compile cache', (t) => {
  const cluster = versionsIn('.');
  const shared = [...versionsIn('metrics-server')].filter(([name]) => cluster.has(name));
  t.ok(shared.length > 50, String(shared.length));
  t.same(Object.fromEntries(shared), Object.fromEntries(shared.map(([name]) => [name, cluster.get(name)])));
  t.end();
});
