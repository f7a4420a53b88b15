import t from 'tap';
import { type Application, comparedRevision, isOperating, isSettled } from '@gitops/local';
import { APP, Stack, until } from '../src/stack.ts';

// Something is renamed or removed by mistake: what runs goes on untouched, and `make status` says what is wrong.

const stack = await Stack.open();
const set = `argocd/applications/${APP}.yaml`;
const project = 'argocd/projects/templates/services.yaml';
const PATIENCE = 120_000;

interface Named {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
}

/** What must not change: the Deployment, its rollouts and its pods. */
async function running(): Promise<unknown> {
  const { metadata } = await stack.deployment();
  const list = JSON.parse(await stack.kubectl('-n', APP, 'get', 'pods', '-o', 'json')) as { items: readonly Named[] };
  return {
    deployment: metadata.uid,
    rollouts: metadata.annotations?.['deployment.kubernetes.io/revision'],
    pods: list.items.map((pod) => [pod.metadata.uid, pod.metadata.deletionTimestamp]).sort(),
  };
}

/** An object in Argo CD's namespace; undefined when there is none. */
async function find<T extends Named = Named>(kind: string, name: string): Promise<T | undefined> {
  const text = await stack.kubectl('-n', 'argocd', 'get', kind, name, '--ignore-not-found', '-o', 'json');
  return text === '' ? undefined : (JSON.parse(text) as T);
}

interface Owned {
  readonly metadata: { readonly ownerReferences?: readonly { readonly name: string }[] };
}

const when = async (what: string, isSo: () => Promise<boolean>): Promise<true> =>
  until(what, async () => ((await isSo()) ? true : undefined), PATIENCE);

/** Whether root has applied this commit. */
const rootHas = async (commit: string): Promise<boolean> => {
  const root = await stack.application('root');
  return comparedRevision(root) === commit && isSettled(root);
};

const statusSays = async (line: RegExp): Promise<true> =>
  when(`make status: ${String(line)}`, async () => line.test((await stack.make('status')).stdout));

const isAtRest = async (): Promise<true> => when(`${APP} at rest`, async () => isSettled(await stack.application()));

/** Takes a file out of Git; gives its text. */
async function remove(file: string): Promise<{ commit: string; text: string }> {
  let text = '';
  const { commit } = await stack.push(`Without ${file}`, { [file]: (content) => void (text = content) });
  return { commit, text };
}

t.before(isAtRest);

t.test('the file of an ApplicationSet renamed: nothing happens', async (t) => {
  const [before, uid] = [await running(), (await find('application', APP))?.metadata.uid];
  const other = 'argocd/applications/other.yaml';
  let text = '';
  const there = await stack.push('Another file', { [set]: (content) => void (text = content), [other]: () => text });
  await when('root at the commit', async () => rootHas(there.commit));
  const back = await stack.push('As before', { [other]: () => undefined, [set]: () => text });
  await when('root at the commit', async () => rootHas(back.commit));
  t.same(await running(), before);
  t.equal((await find('application', APP))?.metadata.uid, uid);
});

t.test('an ApplicationSet renamed: its Application is made anew and takes over what runs', async (t) => {
  const before = await running();
  const isOwnedBy = async (name: string): Promise<boolean> => {
    const application = await find<Application & Named & Owned>('application', APP);
    return application?.metadata.ownerReferences?.[0]?.name === name && isSettled(application);
  };
  const name = (is: string): string => `metadata:\n  name: ${is}\n`;
  const rename = async (from: string, to: string): Promise<void> => {
    await stack.push(`${from} is ${to}`, { [set]: (text) => text.replace(name(from), name(to)) });
    await when(`an Application of ${to}`, async () => isOwnedBy(to));
    // What is deleted with its dependents goes after them, so that the new set may be faster.
    await when(`no ApplicationSet ${from}`, async () => (await find('applicationset', from)) === undefined);
    t.same(await running(), before);
  };
  await rename(APP, 'renamed');
  await rename('renamed', APP);
});

t.test('the name in the template changed: the second Application is refused and says so', async (t) => {
  const before = await running();
  const template = (is: string): string => `    metadata:\n      name: ${is}\n`;
  await stack.push('A new name', { [set]: (text) => text.replace(template(APP), template('other')) });
  await statusSays(/^other: .*Shared resource found/m);
  await statusSays(new RegExp(`^${APP}: ApplicationSet ${APP} no longer lists it, so it stays`, 'm'));
  t.equal((await stack.application()).status?.sync?.status, 'Synced');
  t.same(await running(), before);

  await stack.push('The old name', { [set]: (text) => text.replace(template('other'), template(APP)) });
  await statusSays(new RegExp(`^other: ApplicationSet ${APP} no longer lists it`, 'm'));
  await stack.kubectl('-n', 'argocd', 'delete', 'application', 'other');
  await isAtRest();
  t.same(await running(), before, 'its deletion leaves what it does not own');
});

t.test("the cluster's values file removed: it runs on, and the file is named", async (t) => {
  const before = await running();
  const file = `clusters/local/${APP}.yaml`;
  const { text } = await remove(file);
  await statusSays(new RegExp(`^${APP}: ComparisonError: .*${file}`, 'm'));
  t.same(await running(), before);
  await stack.push('As before', { [file]: () => text });
  await isAtRest();
  t.same(await running(), before);
});

for (const [label, line] of [
  ['cluster', /^ApplicationSet fastify-service: .*map has no entry for key "cluster"; its Applications stay/m],
  ['argocd.argoproj.io/secret-type', /^fastify-service: ApplicationSet fastify-service no longer lists it/m],
] as const)
  t.test(`the label ${label} of the cluster lost: nothing changes until make up brings it back`, async (t) => {
    const before = await running();
    const secrets = ['-n', 'argocd', 'secret', '-l', 'argocd.argoproj.io/secret-type=cluster'] as const;
    await stack.kubectl('label', ...secrets, `${label}-`);
    await statusSays(line);
    t.same(await running(), before);
    const up = await stack.make('up');
    t.equal(up.code, 0, up.stderr);
    await when('no complaint', async () => !line.test((await stack.make('status')).stdout));
    t.same(await running(), before);
  });

t.test('a project deleted in Git: project and namespace stay, and so does all in them', async (t) => {
  const before = await running();
  const { commit, text } = await remove(project);
  await when('root at the commit', async () => rootHas(commit));
  await statusSays(/^root: AppProject\/services is no longer in Git and stays/m);
  await statusSays(new RegExp(`^root: Namespace/${APP} is no longer in Git and stays`, 'm'));
  await isAtRest();
  t.same(await running(), before);
  const back = await stack.push('As before', { [project]: () => text });
  await when('root at the commit', async () => rootHas(back.commit));
  t.notMatch((await stack.make('status')).stdout, 'no longer in Git');
});

t.test('a project deleted in the cluster: root brings it back', async (t) => {
  const before = await running();
  const uid = (await find('appproject', 'services'))?.metadata.uid;
  await stack.kubectl('-n', 'argocd', 'delete', 'appproject', 'services');
  await when('a new project', async () => {
    const found = await find('appproject', 'services');
    return found !== undefined && found.metadata.uid !== uid;
  });
  await when('everything at rest', async () => {
    const applications = await stack.platform.applications();
    return applications.every((application) => isSettled(application) && !isOperating(application));
  });
  t.same(await running(), before);
});
