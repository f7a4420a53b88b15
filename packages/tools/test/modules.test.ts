import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BUILDS, PROMETHEUS_VERSION } from '../src/builds.ts';
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

t.test('Prometheus and Alertmanager say the release that is pinned', (t) => {
  const pinned = versionsIn('prometheus');
  const versions = [BUILDS.prometheus, BUILDS.alertmanager].map(({ linkerFlags }) => linkerFlags.join(' '));
  t.match(versions[0], `version.Version=${PROMETHEUS_VERSION}`);
  t.match(versions[1], `version.Version=${pinned.get('github.com/prometheus/alertmanager')?.slice(1) ?? '?'}`);
  // Prometheus 3.15.0 is the module's v0.315.0.
  const [major = '', minor = '', patch = ''] = PROMETHEUS_VERSION.split('.');
  t.equal(pinned.get('github.com/prometheus/prometheus'), `v0.${major}${minor.padStart(2, '0')}.${patch}`);
  t.end();
});
