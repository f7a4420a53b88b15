import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { editorSchema } from '../src/schema.ts';
import { clusterFacts, clusterNames, readCluster, SettingsError } from '../src/settings.ts';

const root = resolve(import.meta.dirname, '../../..');

/** A copy of the repository's settings in which one file is replaced, or a text in it. */
function changed(t: Test, cluster: string, change: (text: string) => string): string {
  const copy = t.testdir({});
  cpSync(join(root, 'clusters'), join(copy, 'clusters'), { recursive: true });
  const file = join(copy, 'clusters', cluster, 'cluster.yaml');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  return copy;
}

function problems(t: Test, folder: string, cluster: string): readonly string[] {
  try {
    readCluster(folder, cluster);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  t.fail('was accepted');
  return [];
}

t.test('all clusters of the repository are well-formed', (t) => {
  t.same(clusterNames(root), ['dev', 'local', 'production', 'staging']);
  for (const name of clusterNames(root)) t.equal(readCluster(root, name).name, name);
  t.end();
});

t.test('a cluster file is laid over the shared one', (t) => {
  const { git, kubernetesVersion } = readCluster(changed(t, 'dev', (text) => `${text}git: { revision: next }\n`), 'dev');
  t.same(git, { repository: 'https://github.com/example/gitops-platform.git', revision: 'next' });
  t.equal(kubernetesVersion, '1.36');
  t.end();
});

t.test('each mistake is named with file, line, key, rule and value', (t) => {
  const cases: [string, (text: string) => string, RegExp][] = [
    ['dev', (text) => text.replace('zones:', 'zonse:'), /^clusters\/dev\/cluster\.yaml:9: network\.zonse: is no setting/],
    ['dev', (text) => text.replace('"111111111111"', '011111111111'), /^clusters\/dev\/cluster\.yaml:5: accountId: .*\(it is \d+\)/],
    ['dev', (text) => text.replace('name: dev', 'name: prod'), /^clusters\/dev\/cluster\.yaml:3: name: must be the folder's name, dev/],
    ['dev', (text) => text.replace('provider: aws', 'provider: azure'), /^clusters\/dev\/cluster\.yaml:4: provider: must be aws or local/],
    ['dev', (text) => text.replace(', eu-central-1b', ''), /^clusters\/dev\/cluster\.yaml:9: network\.zones: /],
    ['dev', (text) => text.replace('desiredSize: 2', 'desiredSize: 9'), /:15: nodeGroup\.desiredSize: must lie between minSize 2 and maxSize 3 \(it is 9\)/],
    ['dev', (text) => text.replace('region: eu-central-1\n', ''), /region: is missing/],
    ['local', (text) => `${text}network: {}\n`, /^clusters\/local\/cluster\.yaml:\d+: network: is no setting/],
    ['shared', (text) => text.replace('"1.36"', '1.36'), /^clusters\/shared\/cluster\.yaml:\d+: kubernetesVersion: .*\(it is 1\.36\)/],
  ];
  for (const [cluster, change, message] of cases) {
    const found = problems(t, changed(t, cluster, change), cluster === 'shared' ? 'dev' : cluster);
    t.ok(found.some((problem) => message.test(problem)), `${String(message)} in ${found.join(' | ')}`);
  }
  t.end();
});

t.test('all mistakes are told at once', (t) => {
  const folder = changed(t, 'dev', (text) => text.replace('zones:', 'zonse:').replace('t3.medium', 'big').replace('name: dev', 'name: x'));
  t.ok(problems(t, folder, 'dev').length >= 4);
  t.end();
});

t.test('a file that is no map of settings is refused with its position', (t) => {
  const cases: [string, RegExp][] = [
    ['', /cluster\.yaml:1: must be a map/],
    ['- a\n', /cluster\.yaml:1: must be a map/],
    ['\uFEFFname: dev\n', /cluster\.yaml:1: begins with a byte order mark/],
    ['name: dev\nname: dev\n', /cluster\.yaml:2: Map keys must be unique/],
    ['name:\n\tx: 1\n', /cluster\.yaml:2: Tabs/],
  ];
  for (const [text, message] of cases) t.match(problems(t, changed(t, 'dev', () => text), 'dev').join('\n'), message);
  t.match(problems(t, root, 'nowhere').join('\n'), /clusters\/nowhere\/cluster\.yaml: there is no such file/);
  t.end();
});

t.test('facts: the registry of AWS clusters is shared, the local one never resolves', (t) => {
  t.same(clusterFacts(readCluster(root, 'production')), {
    labels: { 'argocd.argoproj.io/secret-type': 'cluster', cluster: 'production', provider: 'aws' },
    annotations: { repoURL: 'https://github.com/example/gitops-platform.git', repoRevision: 'main', imageRegistry: '111111111111.dkr.ecr.eu-central-1.amazonaws.com' },
  });
  t.equal(clusterFacts(readCluster(root, 'local'), { repoURL: 'http://127.0.0.1:1/x.git' }).annotations.repoURL, 'http://127.0.0.1:1/x.git');
  t.equal(clusterFacts(readCluster(root, 'local')).annotations.imageRegistry, 'registry.invalid');
  t.end();
});

t.test('the schema for editors is the one that the settings are checked against', (t) => {
  const committed: unknown = JSON.parse(readFileSync(join(root, 'clusters/cluster.schema.json'), 'utf8'));
  t.same(committed, editorSchema(), 'run: pnpm --filter @platform/settings schema');
  t.end();
});
