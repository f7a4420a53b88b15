import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { argoConfiguration, argoEnvironment, readArgoValues } from '../src/argocd-settings.ts';
import type { Instance } from '../src/instance.ts';

const root = resolve(import.meta.dirname, '../../..');

function repository(t: Test, shared: string, local: string): Instance {
  const dir = t.testdir({
    manifests: {},
    argocd: { 'values.yaml': shared },
    clusters: { local: { 'argocd.yaml': local } },
  });
  return { root: dir, dir, cluster: 'local' };
}

/** What Argo CD's own release ships, in small. */
function manifests(t: Test): string {
  const folder = join(t.testdirName, 'manifests');
  const write = (path: string, object: unknown): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), JSON.stringify(object));
  };
  write('base/config/cm.yaml', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm', labels: { 'app.kubernetes.io/part-of': 'argocd' } },
    data: { 'resource.exclusions': 'from the release', kept: 'yes' },
  });
  write('base/config/secret.yaml', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'argocd-secret' } });
  const key = (name: string, from: string, key: string): object => ({
    name,
    valueFrom: { configMapKeyRef: { name: from, key } },
  });
  write('base/server/deployment.yaml', {
    kind: 'Deployment',
    spec: {
      template: {
        spec: {
          containers: [
            {
              env: [
                key('ARGOCD_SERVER_INSECURE', 'argocd-cmd-params-cm', 'server.insecure'),
                key('TIMEOUT', 'argocd-cm', 'timeout.reconciliation'),
                { name: 'PLAIN', value: 'x' },
              ],
            },
          ],
        },
      },
    },
  });
  return folder;
}

t.test("values of both files end up in Argo CD's ConfigMaps, the cluster's last", (t) => {
  const instance = repository(
    t,
    'configs:\n  cm: { a: shared, b: true, c: "", create: true }\n  rbac: { policy.default: "" }\n  styles: x\n',
    'configs:\n  cm: { a: local }\ncontroller: { extraArgs: [--x=y] }\n',
  );
  t.same(readArgoValues(instance.root, 'local'), {
    controllerArgs: ['--x=y'],
    cm: { a: 'local', b: 'true' },
    rbac: { 'policy.default': '' },
    params: {},
  });
  const objects = argoConfiguration(
    instance,
    { manifests: manifests(t), bin: '', key: '', checksums: {} },
    { more: 'x' },
  );
  t.match(objects[0], {
    metadata: { name: 'argocd-cm', namespace: 'argocd', labels: { 'app.kubernetes.io/part-of': 'argocd' } },
    data: { 'resource.exclusions': 'from the release', kept: 'yes', a: 'local', b: 'true' },
  });
  t.match(objects[1], { kind: 'Secret', stringData: { 'server.secretkey': /^[A-Za-z0-9+/]{43}=$/, more: 'x' } });
  t.same(
    argoConfiguration(instance, { manifests: manifests(t), bin: '', key: '', checksums: {} }, { more: 'x' })[1],
    objects[1],
    'the signing key is made once',
  );
  t.end();
});

t.test('a process gets from the values what its pod would get', (t) => {
  const instance = repository(
    t,
    'configs:\n  cm: { timeout.reconciliation: 300s }\n  params: { server.insecure: true }\n',
    '{}\n',
  );
  t.same(argoEnvironment(instance, { manifests: manifests(t), bin: '', key: '', checksums: {} }, 'server'), {
    ARGOCD_SERVER_INSECURE: 'true',
    TIMEOUT: '300s',
  });
  t.end();
});

t.test('a value that is not a string is refused by file and key', (t) => {
  t.throws(() => readArgoValues(repository(t, 'configs:\n  cm: { a: [1] }\n', '{}\n').root, 'local'), {
    message: 'argocd/values.yaml: configs.cm.a must be a string, number or boolean',
  });
  t.end();
});

t.test(
  'the rollback stays: `enabled` is written nowhere, and every ApplicationSet leaves exactly that field to on-call',
  (t) => {
    const files = readdirSync(join(root, 'argocd/applications'));
    t.ok(files.length >= 4, files.join(' '));
    for (const file of files) {
      const { spec } = parse(readFileSync(join(root, 'argocd/applications', file), 'utf8')) as {
        spec: {
          goTemplateOptions: string[];
          ignoreApplicationDifferences: unknown;
          template: { spec: { project: string; syncPolicy: { automated: object } } };
        };
      };
      t.same(spec.ignoreApplicationDifferences, [{ jsonPointers: ['/spec/syncPolicy/automated/enabled'] }], file);
      t.same(spec.template.spec.syncPolicy.automated, { prune: true, selfHeal: true }, file);
      t.same(spec.goTemplateOptions, ['missingkey=error'], file);
      t.not(spec.template.spec.project, 'default', file);
    }
    t.end();
  },
);
