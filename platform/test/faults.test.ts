import { join } from 'node:path';
import t from 'tap';
import { synthesize } from '../src/app.ts';
import { repositoryWith } from './platform-in-tests.ts';

t.test('the settings of one cluster that are wrong stop the commands of that cluster alone', (t) => {
  for (const [cluster, from, to] of [
    ['staging', '10.1.0.0/16', '10.0.0.0/16'],
    ['staging', 'minSize: 2', 'minSize: two'],
    ['staging', 'provider: aws', 'provider: aws\nkubernetesVersion: "1.33"'],
  ] as const) {
    const folder = t.testdir({});
    const changed = repositoryWith(join(folder, 'repository'), [[cluster, from, to]]);
    const names = synthesize(changed, join(folder, 'out'), new Date(), 'dev').map(({ name }) => name);
    const isReadable = to.includes('1.33');
    t.same(
      names.filter((name) => !/^(bootstrap-\d+|registry)$/.test(name)),
      ['dev', 'production'].flatMap((name) => [`${name}-network`, `${name}-cluster`, `${name}-argocd`]),
    );
    t.equal(names.includes('registry'), isReadable, 'what an account has once is made of the settings of all');
    const registry = (): string[] =>
      synthesize(changed, join(folder, 'out'), new Date(), 'registry').map(({ name }) => name);
    if (isReadable) t.same(registry(), names, 'an old version stops the commands of its cluster alone');
    else t.throws(registry, { name: 'SettingsError' });
    for (const only of ['staging', undefined])
      t.throws(
        () => synthesize(changed, join(folder, 'out'), new Date(), only),
        { name: 'SettingsError' },
        String(only),
      );
  }
  t.end();
});
