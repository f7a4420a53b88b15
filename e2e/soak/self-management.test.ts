// Argo CD as an Application of itself, by the real chart and the real controller. The drills' own Argo CD runs as processes, so
// that the pods of the chart are simulated and nobody uses them: what is proven is what Argo CD applies, in which order, and
// what becomes of it when the controller ends in the middle.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { clusterEnvironment, processes } from '@gitops/local';
import { localCharts } from '@gitops/tools/charts';
import { serveCharts } from '@gitops/tools/helm-repository';
import { run } from '@gitops/tools/run';
import { Stack, until } from '../src/stack.ts';

const stack = await Stack.open();
const { root } = stack.instance;
const helm = join(stack.tools.bin, 'helm');
const chart = localCharts(root).charts.find(({ chart: name }) => name === 'argo-cd');
const skip = chart === undefined && 'needs the chart argo-cd, which is not on this machine; run `make charts`';

const SET = 'argocd/applications/argocd.yaml';
const PROJECT = 'argocd/projects/templates/argocd.yaml';
const VALUES = 'argocd/values.yaml';
const LOCAL = 'clusters/local/argocd.yaml';
const UPSTREAM = 'https://argoproj.github.io/argo-helm';
const NEXT = '10.9.0';

const scratch = mkdtempSync(join(tmpdir(), 'argo-cd-'));
t.teardown(() => {
  rmSync(scratch, { recursive: true, force: true });
});

interface Resource {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly generation: number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
  };
  readonly status: { readonly availableReplicas?: number };
  readonly data?: Readonly<Record<string, string>>;
}
const read = async (...what: string[]): Promise<Resource> =>
  JSON.parse(await stack.kubectl('-n', 'argocd', 'get', ...what, '-o', 'json')) as Resource;
const tagOf = ({ spec }: Resource): string => spec.template.spec.containers[0]?.image.split(':').at(-1) ?? '';
const controller = async (): Promise<Resource> => read('statefulset', 'argocd-application-controller');
const repoServer = async (): Promise<Resource> => read('deployment', 'argocd-repo-server');

/** How many times the pods of a Deployment were made anew, and one. */
const rolloutsOf = async (name: string): Promise<string | undefined> =>
  (await read('deployment', name)).metadata.annotations?.['deployment.kubernetes.io/revision'];

/** The version of the step that the local machine belongs to: the last one. */
const stepTo =
  (version: string, chartVersion: string) =>
  (text: string): string =>
    text.replace(/(NotIn.*\n *values:\n *chart: ).*(\n *version: ).*/, `$1${chartVersion}$2${version}`);

/** Waits until Argo CD has deployed these versions of itself. */
const deployed = async (version: string, chartVersion: string): Promise<void> => {
  await until(
    `Argo CD ${version} by itself`,
    async () => {
      const application = await stack.application('argocd').catch(() => undefined);
      const { status } = application ?? {};
      const isDone =
        status?.operationState?.phase === 'Succeeded' &&
        status.operationState.syncResult?.revisions?.[0] === chartVersion &&
        status.sync?.status === 'Synced' &&
        status.health?.status === 'Healthy';
      return isDone && tagOf(await controller()) === version && tagOf(await repoServer()) === version
        ? true
        : undefined;
    },
    300_000,
  );
};

/** Whether the Application of Argo CD is there, as Git has it. */
async function isBack(): Promise<true | undefined> {
  const { status } = (await stack.application('argocd').catch(() => undefined)) ?? {};
  return status?.sync?.status === 'Synced' && status.health?.status === 'Healthy' ? true : undefined;
}

/** Kills a process of Argo CD without a word; `make up` starts it again, as Kubernetes does with a pod. */
function kill(name: string): void {
  const pid = processes(stack.instance, stack.ports).find((process) => process.name === name)?.pid;
  if (pid === undefined) throw new Error(`${name} does not run`);
  process.kill(pid, 'SIGKILL');
}

/** The answer to a write that says it comes from an Application; undefined where it would pass. */
async function refusalOf(object: object): Promise<string | undefined> {
  try {
    await run(join(stack.tools.bin, 'kubectl'), ['create', '--dry-run=server', '-f', '-'], {
      env: clusterEnvironment(stack.instance, stack.tools),
      input: JSON.stringify(object),
    });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

t.test('Argo CD deploys itself', { skip, timeout: 1_800_000 }, async (t: Test) => {
  if (chart === undefined) return;
  const next = join(scratch, 'argo-cd');
  cpSync(chart.folder, next, { recursive: true });
  const chartFile = join(next, 'Chart.yaml');
  writeFileSync(chartFile, readFileSync(chartFile, 'utf8').replace(/^version: .*$/m, `version: ${NEXT}`));
  const repository = await serveCharts(helm, [chart.folder, next]);
  t.teardown(async () => repository.close());
  const nodes = (await stack.kubectl('get', 'nodes', '-o', 'name')).trim().split('\n');

  await t.test('it takes over what Helm has installed: nothing restarts but for the optional password', async (t) => {
    const secret = (await read('secret', 'argocd-secret')).data;
    const files = [VALUES, LOCAL].flatMap((file) => ['--values', join(root, file)]);
    await run(
      helm,
      [
        ...['install', 'argocd', chart.folder, '--namespace', 'argocd', ...files, '--set', 'global.image.tag=v3.5.7'],
        // As the provider of OpenTofu does it. The local Argo CD has its settings already.
        ...['--server-side=false', '--take-ownership'],
      ],
      { env: clusterEnvironment(stack.instance, stack.tools) },
    );
    const server = await read('deployment', 'argocd-server');
    const job = await read('job', 'argocd-redis-secret-init');
    await stack.kubectl('-n', 'argocd', 'label', 'secret', 'in-cluster', 'argocd=enabled');
    const fromHere = (text: string): string => text.replaceAll(UPSTREAM, repository.url);
    await stack.push('Argo CD from here', { [SET]: fromHere, [PROJECT]: fromHere });
    await deployed('v3.5.7', chart.version);
    t.equal(await rolloutsOf('argocd-redis'), '1', 'its pods stay');
    t.equal((await read('deployment', 'argocd-server')).metadata.uid, server.metadata.uid, 'the same object');
    t.strictSame((await read('secret', 'argocd-secret')).data, secret, 'what Argo CD wrote is kept');
    t.equal(
      (await read('job', 'argocd-redis-secret-init')).metadata.uid,
      job.metadata.uid,
      'the Job that Helm has run does not run again',
    );
    t.equal((await stack.application('root')).status?.sync?.status, 'Synced');
  });

  await t.test('a setting that leaves Git leaves the cluster, although Helm wrote it', async (t) => {
    // One that the chart has no default for.
    const setting = 'application.sync.requireOverridePrivilegeForRevisionSync';
    const isSet = async (): Promise<boolean> => setting in ((await read('configmap', 'argocd-cm')).data ?? {});
    t.ok(await isSet());
    await stack.push('Without it', { [VALUES]: (text) => text.replace(new RegExp(`^ *${setting}: .*\\n`, 'm'), '') });
    await until('the setting to go', async () => ((await isSet()) ? undefined : true));
    // Its pods read the setting anew, the controller last.
    await deployed('v3.5.7', chart.version);
  });

  await t.test(
    'an upgrade whose controller is killed in the middle is resumed, and replaces the controller last',
    async (t) => {
      const before = { repoServer: await repoServer(), controller: await controller() };
      const history = (await stack.application('argocd')).status?.history?.length ?? 0;
      // The new pods stay pending until the nodes take pods again.
      await stack.kubectl('cordon', ...nodes);
      await stack.push('The next version', { [SET]: stepTo('v3.5.8', NEXT) });
      await until('the first wave', async () => (tagOf(await repoServer()) === 'v3.5.8' ? true : undefined), 120_000);
      const operation = (await stack.application('argocd')).status?.operationState;
      t.equal(operation?.phase, 'Running');
      t.equal(tagOf(await controller()), 'v3.5.7', 'the controller waits for the others');
      t.equal((await repoServer()).status.availableReplicas, 1, 'whose old pods still run');

      kill('argocd-application-controller');
      await stack.kubectl('uncordon', ...nodes);
      await stack.make('up');
      await deployed('v3.5.8', NEXT);
      const after = (await stack.application('argocd')).status;
      // Not in `operationState`: `make up` writes the local settings of Argo CD, so that a self-heal may have run since.
      t.equal(after?.history?.at(-1)?.deployStartedAt, operation?.startedAt, 'the same sync, resumed');
      t.equal(after?.history?.length, history + 1, 'and one entry for it');
      t.equal((await repoServer()).metadata.generation, before.repoServer.metadata.generation + 1, 'applied once');
      t.equal((await controller()).metadata.generation, before.controller.metadata.generation + 1);
    },
  );

  await t.test(
    'a version that does not start never reaches the controller; the fix is a commit and the end of the sync',
    async (t) => {
      const before = await controller();
      await stack.push('A bad version', { [SET]: stepTo('v3.5.9-bad', NEXT) });
      await until(
        'the first wave',
        async () => (tagOf(await repoServer()) === 'v3.5.9-bad' ? true : undefined),
        120_000,
      );
      await stack.push('Back', { [SET]: stepTo('v3.5.8', NEXT) });
      t.equal((await stack.application('argocd')).status?.operationState?.phase, 'Running');
      t.equal((await repoServer()).status.availableReplicas, 1, 'the old pod of each still runs');
      await stack.onCall.terminateOperation('argocd');
      await deployed('v3.5.8', NEXT);
      t.equal((await controller()).metadata.generation, before.metadata.generation, 'it was never touched');
    },
  );

  await t.test('neither a mistake nor a deletion takes away what Argo CD is made of', async (t) => {
    const uids = async (): Promise<string[]> => {
      const uid = async (...what: string[]): Promise<string> =>
        stack.kubectl('-n', 'argocd', 'get', ...what, '-o', 'jsonpath={..metadata.uid}');
      return Promise.all([uid('crd,deployment,statefulset'), uid('secret', 'argocd-secret')]);
    };
    const before = await uids();
    let original = '';
    const { commit } = await stack.push('No definitions', {
      [LOCAL]: (text) => `${(original = text)}crds:\n  install: false\n`,
    });
    await until(
      'the comparison',
      async () => {
        const { sync } = (await stack.application('argocd')).status ?? {};
        // Argo CD does not track definitions: it takes those that Git no longer has for somebody else's.
        return sync?.revisions?.includes(commit) === true && sync.status === 'Synced' ? true : undefined;
      },
      120_000,
    );
    t.same(await uids(), before);
    await stack.push('Definitions', { [LOCAL]: () => original });
    await deployed('v3.5.8', NEXT);

    const finalizer = '{"metadata":{"finalizers":["resources-finalizer.argocd.argoproj.io"]}}';
    await stack.kubectl('-n', 'argocd', 'delete', 'applicationset', 'argocd', '--cascade=orphan');
    await stack.kubectl('-n', 'argocd', 'patch', 'application', 'argocd', '--type=merge', `--patch=${finalizer}`);
    await stack.kubectl('-n', 'argocd', 'delete', 'application', 'argocd', '--timeout=60s');
    t.same(await uids(), before);
    // Root has brought the set back by now, or does so soon. A set that came before the Application was gone may hold it in its
    // cache for ever: docs/runbooks/argocd.md, "An Application that is gone".
    kill('argocd-applicationset-controller');
    await stack.make('up');
    await until('the Application again', isBack);
    t.same(await uids(), before);
  });

  await t.test('nothing else gets into the namespace in its name', async (t) => {
    const from = (tracked: string, apiVersion: string, kind: string, name: string): object => ({
      ...{ apiVersion, kind },
      metadata: { name, namespace: 'argocd', annotations: { 'argocd.argoproj.io/tracking-id': `${tracked}:x` } },
      ...(kind === 'AppProject' ? { spec: {} } : {}),
    });
    t.equal(await refusalOf(from('argocd', 'v1', 'ConfigMap', 'argocd-new')), undefined);
    for (const object of [
      from('argocd', 'v1', 'ConfigMap', 'other'),
      from('argocd', 'v1', 'Secret', 'argocd-repository'),
      from('argocd', 'argoproj.io/v1alpha1', 'AppProject', 'argocd-project'),
      from('fastify-service', 'v1', 'ConfigMap', 'argocd-new'),
    ])
      t.match(await refusalOf(object), /only the root Application may write to the namespace argocd/);
  });

  // The other drills know nothing of it.
  await stack.kubectl('-n', 'argocd', 'label', 'secret', 'in-cluster', 'argocd-');
  await stack.kubectl('-n', 'argocd', 'delete', 'application', 'argocd');
  const made = 'deployment,statefulset,service,networkpolicy,poddisruptionbudget';
  await stack.kubectl('-n', 'argocd', 'delete', made, '--selector=app.kubernetes.io/instance=argocd');
});
