import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Image, imageFile, setImage } from '@gitops/delivery/image-file';
import {
  type Application,
  awaitApplications,
  buildLocalImage,
  clusterEnvironment,
  comparedRevision,
  entryRevision,
  isSettled,
  processes,
} from '@gitops/local';
import { type Measure, median, summary } from '@gitops/report/measure';
import { run } from '@gitops/tools/run';
import { APP, Stack, until } from '../src/stack.ts';
import { instance, progress, timed } from './bench.ts';
import { followDeployment } from './follow-deployment.ts';

const HELM_NAMESPACE = 'bench-helm';

const isDeployed = (application: Application, commit: string): boolean =>
  comparedRevision(application) === commit &&
  application.status?.sync?.status === 'Synced' &&
  application.status.health?.status === 'Healthy';

/** Whether main has the check after a release. Helm cannot replace its Job, so that it is off where the two are compared. */
function setCheck(clone: string, isEnabled: boolean): void {
  const path = join(clone, `clusters/local/${APP}.yaml`);
  const text = readFileSync(path, 'utf8').replace(
    /^check:\n( {2}enabled: \w+\n)?/m,
    `check:\n  enabled: ${isEnabled}\n`,
  );
  writeFileSync(path, text);
}

/** From `git push` of a new image until its Application is Synced and Healthy. */
async function pushImage(stack: Stack, clone: string, { tag, digest }: Image): Promise<number> {
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', ['-C', clone, '-c', 'user.name=Bench', '-c', 'user.email=bench@localhost', ...args])).trim();
  const file = imageFile(stack.instance.cluster, APP);
  const path = join(clone, file);
  writeFileSync(path, setImage(readFileSync(path, 'utf8'), { tag, digest }, file));
  await git('commit', '--quiet', '--all', '-m', tag);
  const commit = await git('rev-parse', 'HEAD');
  // The stream is open before the push, as a person's browser is.
  const listening = Promise.withResolvers<null>();
  const healthy = awaitApplications(stack.platform, 60_000, tag, (applications) => {
    const application = applications.get(APP);
    if (application === undefined) return undefined;
    listening.resolve(null);
    return isDeployed(application, commit) ? true : undefined;
  });
  await listening.promise;
  const time = await timed(async () => {
    await git('push', '--quiet', 'origin', 'HEAD:main');
    await healthy;
  });
  // The next measure begins when the sync is over as well.
  await until('rest', async () => (isSettled(await stack.application()) ? true : undefined));
  return time;
}

/** The same change by `helm upgrade --wait`. */
async function upgradeByHelm(stack: Stack, { tag, digest }: Image): Promise<number> {
  const { root, cluster } = stack.instance;
  const args = ['upgrade', '--install', '--wait', APP, resolve(root, 'charts', APP), '--namespace', HELM_NAMESPACE];
  for (const folder of ['shared', cluster]) args.push('--values', resolve(root, 'clusters', folder, `${APP}.yaml`));
  args.push('--set', `image.repository=registry.internal/${APP},image.tag=${tag},image.digest=${digest}`);
  args.push('--set', 'networkPolicy.loadBalancerCidrs={127.0.0.0/8},check.enabled=false');
  const env = clusterEnvironment(stack.instance, stack.tools);
  return timed(async () => run(join(stack.tools.bin, 'helm'), args, { env }));
}

/** From a change by hand until it is reverted; all of one commit, so that Argo CD pauses before each but the first. */
async function healOnce(stack: Stack): Promise<number> {
  const patch = JSON.stringify({ spec: { progressDeadlineSeconds: 99 } });
  const isReverted = async (): Promise<true | undefined> => {
    const { spec } = (await stack.deployment()) as { spec: { progressDeadlineSeconds?: number } };
    return spec.progressDeadlineSeconds === 99 ? undefined : true;
  };
  return timed(async () => {
    await stack.kubectl('-n', APP, 'patch', 'deployment', APP, '-p', patch);
    await until('self-heal', isReverted);
  });
}

/** Deployments by push and by Helm, and rollbacks, one of each a round. */
export async function measureDeployments(rounds: number): Promise<Measure[]> {
  const stack = await Stack.open(instance.dir);
  const clone = mkdtempSync(join(tmpdir(), 'bench-'));
  await run('git', ['clone', '--quiet', stack.gitURL, clone]);
  await stack.kubectl('create', 'namespace', HELM_NAMESPACE);
  // As the service's own namespace: pods are ready once the load balancer has found them healthy.
  await stack.kubectl('label', 'namespace', HELM_NAMESPACE, 'elbv2.k8s.aws/pod-readiness-gate-inject=enabled');
  const times = {
    push: [] as number[],
    helm: [] as number[],
    rollback: [] as number[],
    checked: [] as number[],
    healed: [] as number[],
  };
  // A tag is never moved, and the registry keeps those of earlier runs.
  const stamp = Date.now().toString(36);
  const build = async (tag: string): Promise<Image> =>
    buildLocalImage(stack.instance, stack.tools, stack.ports, { tag: `${tag}-${stamp}` });
  // The first of each pays for caches that the others find filled.
  setCheck(clone, false);
  const first = await build('0.0.1');
  await pushImage(stack, clone, first);
  await upgradeByHelm(stack, first);
  const deployment = followDeployment(stack);
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const next = await build(`0.1.${round}`);
      const image = await stack.image();
      const commit = comparedRevision(await stack.application());
      times.push.push(await pushImage(stack, clone, next));
      times.helm.push(await upgradeByHelm(stack, next));
      // By commit: a resume by self-heal leaves no entry, so the entry before the last may be another.
      const history = (await stack.application()).status?.history ?? [];
      const target = history.findLast((entry) => entryRevision(entry) === commit);
      if (target === undefined) throw new Error('there is no earlier deployment');
      const rollBack = async (): Promise<void> => {
        await stack.onCall.toggleAutoSync(APP);
        await stack.onCall.rollback(APP, target.id);
        await deployment.rolledOut(image);
      };
      times.rollback.push(await timed(rollBack));
      await handBack(stack, next.tag);
      progress.detail(`round ${round} of ${rounds}`);
    }
    setCheck(clone, true);
    for (let round = 0; round < 3; round += 1)
      times.checked.push(await pushImage(stack, clone, await build(`0.2.${round}`)));
    for (let change = 0; change < 5; change += 1) times.healed.push(await healOnce(stack));
  } finally {
    deployment.end();
    rmSync(clone, { recursive: true, force: true });
  }
  progress.done('deployments and rollbacks');

  const memory = processes(stack.instance, stack.ports).reduce((sum, process) => sum + process.memory, 0);
  const ratio = (name: string, over: number[], under: number[], atMost: number): Measure =>
    summary(name, 'x', [median(over) / median(under)], { atMost });
  return [
    summary('push → Synced and Healthy, without the check', 's', times.push),
    summary('push → Synced and Healthy, with the check', 's', times.checked),
    summary('helm upgrade --install --wait', 's', times.helm),
    summary('rollback call → old image ready', 's', times.rollback),
    summary('self-heal of a change by hand', 's', times.healed, { atMost: 5000 }),
    ratio('push ÷ helm (medians)', times.push, times.helm, 0.9),
    ratio('rollback ÷ push (medians)', times.rollback, times.push, 1),
    summary('resident memory after that', 'MB', [memory / 1e6], { atMost: 1500 }),
  ];
}

/** Ends a rollback: main, which has this tag, is deployed again. */
async function handBack(stack: Stack, tag: string): Promise<void> {
  await until('the end of the rollback', async () =>
    (await stack.application()).status?.operationState?.phase === 'Succeeded' ? true : undefined,
  );
  await stack.onCall.toggleAutoSync(APP);
  await stack.onCall.refresh(APP);
  await until('main again', async () =>
    isSettled(await stack.application()) && (await stack.image()).includes(`:${tag}@`) ? true : undefined,
  );
}
