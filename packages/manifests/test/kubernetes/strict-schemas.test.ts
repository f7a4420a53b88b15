import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { CommandError } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { ensureSchemas, KUBERNETES_MINORS } from '@gitops/tools/schemas';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { loadSchemas, type StrictSchemas } from '../../src/kubernetes/strict-schemas.ts';
import { keysOf, SCHEMA_MISTAKES } from './schema-mistakes.ts';

const files = await ensureSchemas(progressTo());
const beginning = performance.now();
const versions = new Map(KUBERNETES_MINORS.map((minor) => [minor, loadSchemas(files, minor)]));

const schemasOf = (minor: string): StrictSchemas => {
  const schemas = versions.get(minor as (typeof KUBERNETES_MINORS)[number]);
  if (schemas === undefined) throw new Error(minor);
  return schemas;
};

const correct = parseAllDocuments(readFileSync(join(import.meta.dirname, 'correct-objects.yaml'), 'utf8')).map(
  (document) => document.toJS() as KubernetesObject,
);

/** A correct object of a kind, changed by hand. */
function changed(kind: string, change: (object: never) => void): KubernetesObject {
  const object = structuredClone(correct.find((candidate) => candidate.kind === kind));
  if (object === undefined) throw new Error(kind);
  change(object as never);
  return object;
}

/** The same with one field set, or taken away where the value is undefined. */
const withField = (kind: string, path: readonly (string | number)[], value: unknown): KubernetesObject =>
  changed(kind, (object) => {
    const parent = path
      .slice(0, -1)
      .reduce<Record<string | number, unknown>>(
        (inner, key) => (inner[key] ??= {}) as Record<string | number, unknown>,
        object,
      );
    const key = path.at(-1) ?? '';
    if (value === undefined) Reflect.deleteProperty(parent, key);
    else parent[key] = value;
  });

t.test('correct objects are accepted by every version', (t) => {
  for (const [minor, { problems }] of versions)
    for (const object of correct) t.strictSame(problems(object), [], `${minor} ${object.kind}`);
  t.end();
});

t.test('a mistake is refused by every version, with its field and its rule', (t) => {
  t.equal(SCHEMA_MISTAKES.length, 63);
  for (const [minor, { problems }] of versions) {
    for (const { kind, keys, value, problem } of SCHEMA_MISTAKES)
      t.strictSame(
        problems(withField(kind, keys, value)),
        [problem.replace('Kubernetes 1.36', `Kubernetes ${minor}`)],
        `${minor} ${problem}`,
      );
  }
  t.end();
});

t.test('all problems of an object come at once, and the object stays as it was', (t) => {
  const object = changed(
    'Gateway',
    (gateway: { metadata: Record<string, unknown>; spec: { listeners: Record<string, unknown>[] } }) => {
      gateway.metadata.labels = { a: 1, b: 2 };
      gateway.spec.listeners.push({ name: 'http', port: '80', protocol: 'HTTP', hostnam: 'x' }, {});
    },
  );
  const before = structuredClone(object);
  t.strictSame(schemasOf('1.36').problems(object).sort(), [
    'metadata.labels.a: must be string (it is 1)',
    'metadata.labels.b: must be string (it is 2)',
    'spec.listeners[1].hostnam: unknown field of listeners',
    'spec.listeners[1].port: must be integer (it is "80")',
    'spec.listeners[2].name: missing',
    'spec.listeners[2].port: missing',
    'spec.listeners[2].protocol: missing',
  ]);
  t.strictSame(object, before);
  t.end();
});

t.test('what is younger than a version, and what a later one has no more, is refused there alone', (t) => {
  const acceptedBy = (object: KubernetesObject, problem: (minor: string) => string): string[] =>
    KUBERNETES_MINORS.filter((minor) => {
      const problems = schemasOf(minor).problems(object);
      if (problems.length > 0) t.strictSame(problems, [problem(minor)]);
      return problems.length === 0;
    });
  t.strictSame(
    acceptedBy(
      withField('Deployment', ['spec', 'template', 'spec', 'hostnameOverride'], 'web'),
      () => 'spec.template.spec.hostnameOverride: unknown field of PodSpec',
    ),
    ['1.34', '1.35', '1.36'],
  );
  t.strictSame(
    acceptedBy(
      withField('Deployment', keysOf('spec.template.spec.containers[0].env[0]'), {
        name: 'A',
        valueFrom: { fileKeyRef: { volumeName: 'tmp', path: 'a', key: 'A' } },
      }),
      () => 'spec.template.spec.containers[0].env[0].valueFrom.fileKeyRef: unknown field of EnvVarSource',
    ),
    ['1.34', '1.35', '1.36'],
  );
  t.strictSame(
    acceptedBy(
      withField('Deployment', ['spec', 'template', 'spec', 'schedulingGroup'], {}),
      () => 'spec.template.spec.schedulingGroup: unknown field of PodSpec',
    ),
    ['1.36'],
  );
  t.strictSame(
    acceptedBy(
      withField('Deployment', ['spec', 'template', 'spec', 'workloadRef'], { name: 'a', podGroup: 'b' }),
      () => 'spec.template.spec.workloadRef: unknown field of PodSpec',
    ),
    ['1.35'],
  );
  const deviceClass = { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name: 'gpu' }, spec: {} };
  t.strictSame(
    acceptedBy(deviceClass, (minor) => `resource.k8s.io/v1 DeviceClass: unknown kind in Kubernetes ${minor}`),
    ['1.34', '1.35', '1.36'],
  );
  t.strictSame(
    acceptedBy(
      { ...deviceClass, apiVersion: 'resource.k8s.io/v1beta2' },
      (minor) => `resource.k8s.io/v1beta2 DeviceClass: not served by Kubernetes ${minor} by default`,
    ),
    [],
  );
  t.end();
});

t.test('the APIs of a cluster, as Argo CD passes them to Helm', (t) => {
  for (const [minor, { apiVersions }] of versions) {
    t.strictSame(apiVersions, [...new Set(apiVersions)].sort(), minor);
    for (const api of [
      'v1',
      'v1/Pod',
      'apps/v1',
      'apps/v1/Deployment',
      'autoscaling/v1/HorizontalPodAutoscaler',
      'autoscaling/v2/HorizontalPodAutoscaler',
      'apiextensions.k8s.io/v1/CustomResourceDefinition',
      'monitoring.coreos.com/v1/ServiceMonitor',
      'argoproj.io/v1alpha1',
    ])
      t.ok(apiVersions.includes(api), `${minor} ${api}`);
    // What cannot be listed and watched, and what servers leave off.
    for (const api of [
      'v1/ComponentStatus',
      'v1/Binding',
      'authentication.k8s.io/v1',
      'networking.k8s.io/v1beta1',
      'resource.k8s.io/v1beta1/DeviceClass',
    ])
      t.notOk(apiVersions.includes(api), `${minor} no ${api}`);
    t.equal(apiVersions.includes('resource.k8s.io/v1/DeviceClass'), minor !== '1.33');
  }
  t.end();
});

t.test('a version without schemas', (t) => {
  t.throws(
    () => loadSchemas(files, '1.32'),
    new CommandError(
      'no schemas for Kubernetes 1.32, only for 1.33, 1.34, 1.35, 1.36',
      'add its release to SCHEMA_PINS in packages/tools/src/schemas.ts',
    ),
  );
  t.end();
});

t.test('every schema of a custom resource can be compiled', (t) => {
  const { problems, apiVersions } = schemasOf('1.36');
  for (const api of apiVersions.filter((api) =>
    /^(argoproj|external-secrets|generators|monitoring|gateway)\..*\/.*\//.test(api),
  )) {
    const apiVersion = api.slice(0, api.lastIndexOf('/'));
    const kind = api.slice(api.lastIndexOf('/') + 1);
    t.match(
      problems({ apiVersion, kind, metadata: { name: 'x' }, noField: 1 }).join('\n'),
      `noField: unknown field of ${kind}`,
    );
  }
  t.end();
});

t.teardown(() => {
  t.comment(`${((performance.now() - beginning) / 1000).toFixed(1)} s, loading included`);
});
