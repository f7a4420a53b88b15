import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';

const { bin } = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });

/** The program with `cat` in place of Helm. */
const definitions = (folder: string, ...files: string[]) =>
  spawnSync(join(bin, 'helm-definitions'), files, {
    encoding: 'utf8',
    env: { HELM: '/bin/cat', DEFINITIONS: join(folder, 'definitions') },
  });

const LONG = `spec: {text: ${'x'.repeat(20_000)}}`;
const LARGE = `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: large}\n${LONG}`;
const OTHERS = [
  '---\n# Source: first\nkind: Service',
  'kind: CustomResourceDefinition\nmetadata: {name: small}',
  `kind: ConfigMap\ndata:\n  a: |\n    kind: CustomResourceDefinition\n${LONG}`,
  // Another separator: two documents, which are left as they are.
  `kind: ConfigMap\n--- # next\n${LARGE}`,
];

t.test('a large definition goes into a file, a small one takes its place, and all else stays', (t) => {
  const folder = t.testdir({});
  mkdirSync(join(folder, 'definitions'));
  writeFileSync(join(folder, 'helm.yaml'), [...OTHERS, LARGE, LARGE].join('\n---\n'));
  const { status, stdout } = definitions(folder, join(folder, 'helm.yaml'));
  t.equal(status, 0);
  const [hash = '', ...more] = readdirSync(join(folder, 'definitions'));
  t.same(more, []);
  t.match(hash, /^[0-9a-f]{64}$/);
  t.equal(readFileSync(join(folder, 'definitions', hash), 'utf8'), LARGE);
  const small = `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: ${hash}`;
  t.equal(stdout, [...OTHERS, small, small].join('\n---\n'));
  t.end();
});

t.test('a failure of Helm stays what it is', (t) => {
  const folder = t.testdir({});
  t.match(definitions(folder, join(folder, 'missing.yaml')), { status: 1, stdout: '', stderr: /missing\.yaml/ });
  t.end();
});
