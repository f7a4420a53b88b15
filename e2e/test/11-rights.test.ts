import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { type Account, isOperating, storedToken } from '@gitops/local';
import { asksOf, includesRole, readRights, type Right, ROLES } from '@gitops/settings/rights';
import { readYamlFile, valueAt } from '@gitops/settings/yaml-file';
import { APP, Stack, until } from '../src/stack.ts';

// argocd/rights.yaml over HTTP, as the account of each role: what is allowed works, what is denied answers 403 and changes
// nothing. How on-call rolls back is in 03 and 10.

const stack = await Stack.open();
const root = resolve(import.meta.dirname, '../..');
const PATH = `/applications/${APP}`;

/** @param account nobody without one */
async function call(account: Account | undefined, method: string, path: string, body?: unknown): Promise<Response> {
  const token = account === undefined ? '' : storedToken(stack.instance, account);
  // For shells, Argo CD reads the cookie of its web pages alone.
  const headers = { Authorization: `Bearer ${token}`, Cookie: `argocd.token=${token}` };
  const base = `http://127.0.0.1:${stack.ports.server}`;
  return fetch(path.startsWith('/terminal') ? `${base}${path}` : `${base}/api/v1${path}`, {
    ...{ method, headers: { 'Content-Type': 'application/json', ...(account === undefined ? {} : headers) } },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function statusOf(...request: Parameters<typeof call>): Promise<number> {
  const response = await call(...request);
  // Streams of logs do not end.
  await response.body?.cancel();
  return response.status;
}

const inArgocd = async (...args: string[]): Promise<string> => stack.kubectl('-n', 'argocd', 'get', ...args);

/** What runs, and what it runs from. */
async function running(): Promise<object> {
  const { spec, operation, status } = await stack.application();
  const { metadata } = await stack.deployment();
  return {
    ...{ spec, operation, history: status?.history },
    deployment: [metadata.uid, metadata.generation],
    pods: await stack.kubectl('-n', APP, 'get', 'pods', '-o', 'name'),
    names: await inArgocd('applications,applicationsets,appprojects', '-o', 'name'),
  };
}

/** What no refused request may change. */
async function state(): Promise<object> {
  return {
    ...(await running()),
    specs: await inArgocd('applicationsets,appprojects', '-o', 'jsonpath={.items[*].spec}'),
    secrets: await inArgocd('secrets', '-o', 'name'),
    tokens: await inArgocd('secret', 'argocd-secret', '-o', 'jsonpath={.data}'),
    policy: await inArgocd('configmap', 'argocd-rbac-cm', '-o', 'jsonpath={.data}'),
  };
}

async function atRest(): Promise<void> {
  await until('the sync is over', async () => (isOperating(await stack.application()) ? undefined : true));
}

const OBJECTS = [
  'root/root',
  `services/${APP}`,
  'controllers/external-secrets',
  'monitoring/monitoring',
  'previews/preview-1',
];

/** The questions of the table that fit into an address: one with a slash in its action or object does not. */
function questions(): { right: Right; path: string }[] {
  const found: { right: Right; path: string }[] = [];
  for (const right of readRights(root))
    for (const [resource, action, object] of asksOf(right, OBJECTS))
      if (!action.includes('/') && !object.includes('://'))
        found.push({ right, path: `${resource}/${action}/${object}` });
  return found;
}

t.test('Argo CD answers every account as the table says', async (t) => {
  const all = questions();
  t.ok(all.length > 30, `${all.length} questions`);
  for (const { right, path } of all)
    for (const role of ROLES) {
      const response = await call(role, 'GET', `/account/can-i/${path}`);
      const expected = includesRole(right, role, 'local') ? 'yes' : 'no';
      t.strictSame(await response.json(), { value: expected }, `${role} ${path}`);
    }
});

const DEPLOYMENT = { namespace: APP, resourceName: APP, group: 'apps', kind: 'Deployment', version: 'v1' };
const deployment = new URLSearchParams(DEPLOYMENT).toString();
const restart = { action: 'restart', name: APP, appNamespace: 'argocd', ...DEPLOYMENT };
const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'elsewhere' } });
const other = {
  metadata: { name: 'other', namespace: 'argocd' },
  spec: { project: 'services', destination: { server: 'https://kubernetes.default.svc', namespace: APP } },
};
const project = { project: { metadata: { name: 'other' }, spec: { sourceRepos: ['*'] } } };
const cluster = encodeURIComponent('https://kubernetes.default.svc');
const repository = { repo: 'https://example.com/other.git' };
const SWITCH = {
  ...{ namespace: 'argocd', resourceName: APP, group: 'argoproj.io', kind: 'Application', version: 'v1alpha1' },
};
const toggle = new URLSearchParams(SWITCH).toString();

type Request = readonly [method: string, path: string, body?: unknown];

const SYNC: Request = ['POST', `${PATH}/sync`, {}];

/** Denied to developers here, and allowed to on-call. */
const OF_ON_CALL: Readonly<Record<string, Request>> = {
  sync: SYNC,
  'a rollback': ['POST', `${PATH}/rollback`, { id: 0, appNamespace: 'argocd' }],
  'the end of a sync': ['DELETE', `${PATH}/operation`],
  'the switch': [
    'POST',
    `${PATH}/resource/actions/v2?${toggle}`,
    { action: 'toggle-auto-sync', name: APP, appNamespace: 'argocd', ...SWITCH },
  ],
};

/** Denied to developers and on-call alike. */
const OF_PLATFORM: Readonly<Record<string, Request>> = {
  'a sync to another revision': ['POST', `${PATH}/sync`, { revision: 'main~1' }],
  'a sync of manifests that Git does not have': ['POST', `${PATH}/sync`, { manifests: [manifest] }],
  'a deletion': ['DELETE', PATH],
  'a deletion without its objects': ['DELETE', `${PATH}?cascade=false`],
  'a deletion of an object': ['DELETE', `${PATH}/resource?${deployment}`],
  'a change of an object': [
    'POST',
    `${PATH}/resource?${deployment}&patchType=application/merge-patch%2Bjson`,
    '{"spec":{"replicas":0}}',
  ],
  'another action': ['POST', `${PATH}/resource/actions/v2?${deployment}`, restart],
  'a new Application': ['POST', '/applications', other],
  'a new Application over the old one': ['POST', '/applications?upsert=true', { ...other, metadata: { name: APP } }],
  'a new ApplicationSet': [
    'POST',
    '/applicationsets',
    { metadata: { name: 'other' }, spec: { generators: [{ list: { elements: [{}] } }], template: other } },
  ],
  'the end of an ApplicationSet': ['DELETE', `/applicationsets/${APP}`],
  'a new project': ['POST', '/projects', project],
  'a change of a project': [
    'PUT',
    '/projects/services',
    { project: { metadata: { name: 'services' }, spec: { sourceRepos: ['*'] } } },
  ],
  'the end of a project': ['DELETE', '/projects/services'],
  'a new repository': ['POST', '/repositories', repository],
  'the end of a repository': ['DELETE', `/repositories/${encodeURIComponent(repository.repo)}`],
  'a new cluster': ['POST', '/clusters', { server: 'https://example.com', name: 'x', config: {} }],
  'a change of a cluster': ['PUT', `/clusters/${cluster}`, { server: 'https://kubernetes.default.svc', name: 'x' }],
  'the end of a cluster': ['DELETE', `/clusters/${cluster}`],
  'a certificate': [
    'POST',
    '/certificates',
    { items: [{ serverName: 'example.com', certType: 'https', certData: '' }] },
  ],
};

/** Denied to everybody; a local account may create tokens for itself. */
const OF_NOBODY: Readonly<Record<string, Request>> = {
  'a token of admin': ['POST', '/account/admin/token', {}],
  'a password of another account': [
    'PUT',
    '/account/password',
    { name: 'admin', currentPassword: 'x', newPassword: 'y-12345678' },
  ],
};

async function refuses(t: Test, account: Account, requests: Readonly<Record<string, Request>>): Promise<void> {
  await atRest();
  const before = await state();
  const another: Request = ['POST', `/account/${account === 'platform' ? 'on-call' : 'platform'}/token`, {}];
  for (const [what, request] of Object.entries({ ...requests, 'a token of another account': another }))
    t.equal(await statusOf(account, ...request), 403, `${account}: ${what}`);
  t.strictSame(await state(), before, `${account}: nothing has changed`);
}

t.test('what is denied answers 403 and changes nothing', async (t) => {
  await refuses(t, 'developer', { ...OF_ON_CALL, ...OF_PLATFORM, ...OF_NOBODY });
  await refuses(t, 'on-call', { ...OF_PLATFORM, ...OF_NOBODY });
  await refuses(t, 'platform', OF_NOBODY);
});

t.test('what is allowed works', async (t) => {
  for (const role of ROLES) {
    t.equal(await statusOf(role, 'GET', PATH), 200, `${role} reads`);
    t.equal(await statusOf(role, 'GET', `${PATH}?refresh=normal`), 200, `${role} has it compared anew`);
    t.equal(await statusOf(role, 'GET', `${PATH}/resource-tree`), 200, `${role} sees its objects`);
    t.equal(await statusOf(role, 'GET', '/projects/services'), 200, `${role} reads a project`);
    const logs = `${PATH}/logs?${deployment}&container=api&tailLines=1`;
    t.not(await statusOf(role, 'GET', logs), 403, `${role} may read logs`);
    const mayReadAll = role !== 'on-call';
    for (const path of [`/clusters/${cluster}`, `/applicationsets/${APP}`])
      t.equal(await statusOf(role, 'GET', path), mayReadAll ? 200 : 403, `${role} reads ${path}`);
    const list = (await (await call(role, 'GET', '/clusters')).json()) as { items: object[] | null };
    t.equal(list.items?.length ?? 0, mayReadAll ? 1 : 0, `${role} lists clusters`);
  }
  for (const role of ['on-call', 'platform'] as const) {
    t.equal(await statusOf(role, ...SYNC), 200, `${role} syncs`);
    await atRest();
  }
});

t.test('without an account there is nothing, and no shell with one', async (t) => {
  for (const path of [PATH, '/applications', '/clusters', '/projects'])
    t.equal(await statusOf(undefined, 'GET', path), 401, path);
  const shell = new URLSearchParams({
    ...{ pod: 'x', container: 'api', appName: APP, projectName: 'services', namespace: APP },
  });
  for (const role of ROLES) t.equal(await statusOf(role, 'GET', `/terminal?${shell.toString()}`), 404, role);
});

t.test('developers sync their own in dev, and nothing elsewhere', async (t) => {
  const key = 'policy.dev.csv';
  const { content } = readYamlFile(root, join('clusters/dev/argocd.yaml'));
  const patch = async (value: unknown): Promise<string> =>
    stack.kubectl(
      '-n',
      'argocd',
      'patch',
      'configmap',
      'argocd-rbac-cm',
      '--type=merge',
      '-p',
      JSON.stringify({ data: { [key]: value } }),
    );
  t.equal(await statusOf('developer', ...SYNC), 403);
  await patch(valueAt(content, ['configs', 'rbac', key]));
  t.teardown(async () => patch(null));
  await until('the rights of dev', async () => ((await statusOf('developer', ...SYNC)) === 200 ? true : undefined));
  await atRest();
  await refuses(t, 'developer', {
    ...{ ...OF_PLATFORM, ...OF_NOBODY, 'a sync of root': ['POST', '/applications/root/sync', {}] },
    'the switch': OF_ON_CALL['the switch'] ?? SYNC,
  });
});

t.test('a cluster Secret that lacks what ApplicationSets need leaves running Applications alone', async (t) => {
  const label = async (...labels: string[]): Promise<string> =>
    stack.kubectl('-n', 'argocd', 'label', 'secret', 'in-cluster', '--overwrite', ...labels);
  const REFRESH = 'argocd.argoproj.io/application-set-refresh';
  const ofSet = async (field: string): Promise<string> =>
    stack.kubectl('-n', 'argocd', 'get', 'applicationset', APP, '-o', `jsonpath={.${field}}`);
  const refresh = async (): Promise<string> =>
    stack.kubectl('-n', 'argocd', 'annotate', '--overwrite', 'applicationset', APP, `${REFRESH}=true`);
  /** The controller takes the annotation away at the end, unless it fails. */
  const reconciled = async (): Promise<unknown> =>
    until('the ApplicationSet is reconciled', async () =>
      (await ofSet('metadata.annotations')).includes(REFRESH) ? undefined : true,
    );
  const conditions = async (): Promise<string> => {
    await refresh();
    return ofSet('status.conditions');
  };
  const restore = async (): Promise<unknown> => label('cluster=local', 'argocd.argoproj.io/secret-type=cluster');
  t.teardown(restore);
  await atRest();
  const before = await running();

  await label('cluster-');
  await until('an error that names the missing key', async () =>
    /map has no entry for key \\?"cluster\\?"/.test(await conditions()) ? true : undefined,
  );
  t.strictSame(await running(), before, 'without the label `cluster`: nothing has changed');
  await until('make status says so', async () =>
    (await stack.make('status')).stdout.includes('map has no entry for key "cluster"') ? true : undefined,
  );

  const restored = async (): Promise<void> => {
    await restore();
    await until('the set is up to date', async () =>
      (await conditions()).includes('"status":"True","type":"ResourcesUpToDate"') ? true : undefined,
    );
    await reconciled();
  };
  await restored();
  await label('argocd.argoproj.io/secret-type-');
  await refresh();
  await reconciled();
  t.strictSame(await running(), before, 'without any label: nothing has changed');

  await restored();
  t.strictSame(await running(), before);
});
