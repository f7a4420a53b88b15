import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { CommandError } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { ensureSchemas, KUBERNETES_MINORS, SCHEMA_PINS, type SchemaFile, type SchemaPins } from '../src/schemas.ts';
import { KUBERNETES_VERSION } from '../src/tools.ts';

const failure = async (action: Promise<unknown>): Promise<CommandError> => {
  const error: unknown = await action.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CommandError)) throw error;
  return error;
};

/** Sets variables of the environment until the test is over. */
function withEnvironment(t: Test, variables: Readonly<Record<string, string>>): void {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  t.teardown(() => {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
  });
}

const read = (file: string): SchemaFile => JSON.parse(readFileSync(file, 'utf8')) as SchemaFile;
const left = (cache: string): string[] =>
  existsSync(join(cache, 'gitops-platform')) ? readdirSync(join(cache, 'gitops-platform')) : [];

t.test('what is built and what is checked against is the same release', (t) => {
  t.equal(SCHEMA_PINS.kubernetes['1.36'].version, KUBERNETES_VERSION);
  const sums = readFileSync(resolve(import.meta.dirname, '../go/go.sum'), 'utf8').split('\n');
  const argocd = SCHEMA_PINS.operators.find(({ path }) => path.startsWith('github.com/argoproj/'));
  for (const module of [SCHEMA_PINS.kubernetes['1.36'], argocd])
    t.ok(
      module !== undefined && sums.includes(`${module.path} ${module.version} ${module.sum}`),
      module?.path ?? 'Argo CD',
    );
  for (const minor of KUBERNETES_MINORS) t.ok(SCHEMA_PINS.kubernetes[minor].version.startsWith(`v${minor}.`), minor);
  t.end();
});

t.test('the files hold every kind, with the values that a field may have', async (t) => {
  const schemas = await ensureSchemas(progressTo());
  for (const minor of KUBERNETES_MINORS) {
    const { kinds, definitions } = read(schemas.kubernetes[minor].file);
    t.equal(schemas.kubernetes[minor].version, SCHEMA_PINS.kubernetes[minor].version);
    t.same(kinds['apps/v1/Deployment'], { definition: 'io.k8s.api.apps.v1.Deployment', listed: true });
    t.same(kinds['v1/ComponentStatus']?.listed, false, 'it can be listed, and not watched');
    t.notOk('v1/PodList' in kinds || 'v1/DeleteOptions' in kinds, 'what is no object is not there');
    const fields = (name: string): SchemaFile['definitions'][string]['properties'] =>
      definitions[`io.k8s.api.${name}`]?.properties;
    t.same(fields('core.v1.ContainerPort')?.protocol, { type: 'string', enum: ['SCTP', 'TCP', 'UDP'] });
    t.same(fields('core.v1.PersistentVolumeClaimSpec')?.accessModes?.items?.enum, [
      'ReadOnlyMany',
      'ReadWriteMany',
      'ReadWriteOnce',
      'ReadWriteOncePod',
    ]);
    t.same(fields('networking.v1.HTTPIngressPath')?.backend, { $ref: 'io.k8s.api.networking.v1.IngressBackend' });
  }
  const { kinds, definitions } = read(schemas.customResources.file);
  t.match(
    Object.keys(kinds).sort().join(' '),
    /argoproj\.io\/v1alpha1\/ApplicationSet .*external-secrets\.io\/v1\/ExternalSecret .*gateway\.networking\.k8s\.io\/v1\/HTTPRoute .*monitoring\.coreos\.com\/v1\/ServiceMonitor/,
  );
  t.notOk('external-secrets.io/v1beta1/ExternalSecret' in kinds, 'a version that is no longer served is not there');
  t.same(definitions[kinds['argoproj.io/v1alpha1/Application']?.definition ?? '']?.required, ['metadata', 'spec']);
});

t.test('later runs need neither Go nor the network', async (t) => {
  const schemas = await ensureSchemas(progressTo());
  withEnvironment(t, { PATH: '/nonexistent' });
  t.same(await ensureSchemas(progressTo()), schemas);
});

t.test('a module with another sum is reported by name, and nothing of it stays', async (t) => {
  const cache = t.testdir({});
  withEnvironment(t, { XDG_CACHE_HOME: cache });
  const wrong = `h1:${Buffer.alloc(32).toString('base64')}`;
  const pins: SchemaPins = {
    ...SCHEMA_PINS,
    kubernetes: { ...SCHEMA_PINS.kubernetes, '1.34': { ...SCHEMA_PINS.kubernetes['1.34'], sum: wrong } },
  };
  const error = await failure(ensureSchemas(progressTo(), pins));
  const { version, sum } = SCHEMA_PINS.kubernetes['1.34'];
  t.equal(
    error.message,
    `the checksum of the Go module k8s.io/kubernetes@${version} is wrong: it is ${sum}, and ${wrong} was expected`,
  );
  t.match(error.next, 'go clean -modcache');
  t.same(left(cache), []);
});

t.test('a download that fails is reported, and nothing stays', async (t) => {
  const folder = t.testdir({});
  withEnvironment(t, {
    XDG_CACHE_HOME: join(folder, 'cache'),
    GOMODCACHE: join(folder, 'modules'),
    GOPROXY: 'http://127.0.0.1:1',
    GONOSUMDB: '*',
  });
  const error = await failure(ensureSchemas(progressTo()));
  t.match(error.message, /^a Go module could not be downloaded: .*127\.0\.0\.1:1/);
  t.match(error.next, 'GOPROXY');
  t.same(left(join(folder, 'cache')), []);
});
