import { setTimeout as sleep } from 'node:timers/promises';
import { imageFile, setImage } from '@gitops/delivery/image-file';
import { type Application, entryRevision, isAutoSynced, isOperating, servedRepository } from '@gitops/local';
import {
  type Combination,
  follows,
  imageOf,
  look,
  orTooLate,
  preparedStrike,
  type State,
  tryToLook,
} from './fault-moments.ts';
import { APP, type CommandResult, type Deployment, isRolledOut, type Stack, until } from './stack.ts';

// A component is killed in the middle of a deployment or of a rollback, and `make up` starts it again. The end must be
// that of an undisturbed run: the right image, rolled out once, one history entry, auto-sync as before.

export interface Outcome extends Combination {
  /** From the start of `make up` until everything is right, in milliseconds; undefined when that did not come. */
  readonly time: number | undefined;
  /** What is not as it must be; empty when all is right. */
  readonly wrong: readonly string[];
}

/** How long convergence may take before the drill gives up, in milliseconds: far more than what is asked. */
const PATIENCE = 180_000;

/** How often the Deployment was rolled out. */
const rolloutsOf = ({ metadata }: Deployment): number =>
  Number(metadata.annotations?.['deployment.kubernetes.io/revision']);

const entriesOf = ({ status }: Application, commit: string): number =>
  (status?.history ?? []).filter((entry) => entryRevision(entry) === commit).length;

/** What the end must look like. */
interface Expected {
  readonly image: string;
  readonly isAutoSynced: boolean;
}

const isReached = ({ application, deployment }: State, { image, isAutoSynced: on }: Expected): boolean =>
  isRolledOut(deployment, image) &&
  isAutoSynced(application) === on &&
  !isOperating(application) &&
  application.status?.health?.status === 'Healthy' &&
  application.status.sync?.status === (on ? 'Synced' : 'OutOfSync');

const describe = ({ application, deployment }: State): string => {
  const { sync, health, operationState } = application.status ?? {};
  return (
    `${imageOf(deployment)}, ${deployment.status.updatedReplicas ?? 0} of ${deployment.spec.replicas} pods, ` +
    `${sync?.status ?? ''}, ${health?.status ?? ''}, auto-sync ${isAutoSynced(application) ? 'on' : 'off'}, ` +
    `operation ${operationState?.phase ?? ''} (${operationState?.message ?? ''})`
  );
};

/** Waits for the end; gives the time since `start`, or undefined and what it is instead. */
async function converge(
  stack: Stack,
  expected: Expected,
  start: number,
  patience: number,
): Promise<{ time: number | undefined; wrong: string[] }> {
  let last = 'the API server does not answer';
  for (const end = start + patience; performance.now() < end;) {
    await sleep(100);
    const state = await tryToLook(stack);
    if (state === undefined) continue;
    if (isReached(state, expected)) return { time: performance.now() - start, wrong: [] };
    last = describe(state);
  }
  return { time: undefined, wrong: [`not after ${patience / 1000} s: ${last}`] };
}

/** Runs `make up`, a second time where the first fails, and says how it failed. */
async function restart(stack: Stack): Promise<string[]> {
  const wrong: string[] = [];
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const { code, stderr } = await stack.make('up');
    if (code === 0) break;
    wrong.push(`make up failed: ${stderr.slice(stderr.indexOf('error:')).trim().replaceAll(/\s+/g, ' ')}`);
  }
  return wrong;
}

/**
 * What tells a second deployment, or a lost one. Where Argo CD compares a commit for the second time before it has synced
 * it, it takes the difference for drift (`alreadyAttemptedSync` in its appcontroller.go, v3.5.7): self-heal deploys the
 * commit, and that leaves no entry in the history.
 * @param entries how many entries of the commit may be new in the history: each call of a rollback leaves one
 */
function countsOf(before: State, after: State, commit: string, [least, most]: readonly [number, number]): string[] {
  const wrong: string[] = [];
  const rollouts = rolloutsOf(after.deployment) - rolloutsOf(before.deployment);
  if (rollouts !== 1) wrong.push(`${rollouts} rollouts`);
  const entries = entriesOf(after.application, commit) - entriesOf(before.application, commit);
  if (entries < least || entries > most) wrong.push(`${entries} history entries of the commit`);
  if (before.deployment.metadata.uid !== after.deployment.metadata.uid) wrong.push('another Deployment');
  return wrong;
}

/**
 * Pushes an image, strikes, restarts and waits.
 * @param reference the image as pods name it: repository:tag@digest
 * @returns also the commit that brought it
 */
export async function strikeSync(
  stack: Stack,
  combination: Combination,
  reference: string,
): Promise<Outcome & { readonly commit: string }> {
  const before = await look(stack);
  const strike = preparedStrike(stack, combination.fault);
  const following = await follows(stack, combination, before);
  try {
    const edit = { [imageFile(stack.instance.cluster, APP)]: withImage(reference) };
    const push = stack.push(`Image ${reference}`, edit);
    if (combination.moment === 'call') void push.then(following.reach, () => undefined);
    await Promise.race([orTooLate(following.reached, combination), push.then(async () => following.reached)]);
    await strike();
    const start = performance.now();
    const restarted = restart(stack);
    // A push that the end of Git cut is pushed again by its author.
    const { commit } = await push.catch(async () => restarted.then(async () => stack.push(`Again ${reference}`, edit)));
    const { time, wrong } = await converge(stack, { image: reference, isAutoSynced: true }, start, PATIENCE);
    wrong.push(...(await restarted));
    return { ...combination, commit, time, wrong: [...wrong, ...countsOf(before, await look(stack), commit, [0, 1])] };
  } finally {
    following.end();
  }
}

/** How long Git cannot be reached, in milliseconds. */
const GIT_AWAY = 60_000;

/**
 * Git cannot be reached for a minute; a commit that is made meanwhile, elsewhere, arrives afterwards.
 * @param reference the image as pods name it
 */
export async function strikeAwayGit(stack: Stack, reference: string): Promise<Outcome> {
  const before = await look(stack);
  await preparedStrike(stack, 'Git')();
  // Past the server that is away, and without its webhook.
  const edit = { [imageFile(stack.instance.cluster, APP)]: withImage(reference) };
  const { commit } = await stack.push(`Image ${reference}`, edit, { url: servedRepository(stack.instance) });
  await stack.platform.refresh(APP);
  await sleep(GIT_AWAY);
  const start = performance.now();
  const wrong = await restart(stack);
  const { time, wrong: more } = await converge(stack, { image: reference, isAutoSynced: true }, start, PATIENCE);
  wrong.push(...more, ...countsOf(before, await look(stack), commit, [0, 1]));
  return { action: 'sync', fault: 'Git away for a minute', moment: 'call', time, wrong };
}

/** Sets the image in an image file. */
export function withImage(reference: string): (text: string) => string {
  const [name = '', digest = ''] = reference.split('@');
  const tag = name.slice(name.lastIndexOf(':') + 1);
  return (text) => setImage(text, { tag, digest }, 'image file');
}

/**
 * Rolls back to the commit that was deployed before, strikes, restarts and waits. Where the command says that it failed,
 * on-call runs it again.
 * @param target the image that must run in the end, and the commit that brought it
 */
export async function strikeRollback(
  stack: Stack,
  combination: Combination,
  target: { readonly reference: string; readonly commit: string },
): Promise<Outcome> {
  const before = await look(stack);
  const id = before.application.status?.history?.findLast((entry) => entryRevision(entry) === target.commit)?.id;
  if (id === undefined) throw new Error(`${target.commit} is not in the history`);
  const strike = preparedStrike(stack, combination.fault);
  const following = await follows(stack, combination, before);
  try {
    const rollback = async (): Promise<CommandResult> => stack.make('rollback', '--app', APP, '--id', String(id));
    const first = rollback();
    await orTooLate(following.reached, combination);
    await strike();
    const start = performance.now();
    const wrong = await restart(stack);
    const end = converge(stack, { image: target.reference, isAutoSynced: false }, start, PATIENCE);
    const isRepeated = (await first).code !== 0;
    if (isRepeated) {
      const again = await rollback();
      if (again.code !== 0) wrong.push(`the repeated rollback failed: ${again.stderr.trim().replaceAll(/\s+/g, ' ')}`);
    }
    const { time, wrong: more } = await end;
    wrong.push(...more, ...countsOf(before, await look(stack), target.commit, [1, isRepeated ? 2 : 1]));
    return { ...combination, time, wrong };
  } finally {
    following.end();
  }
}

/** Hands the service back to Git, whatever state a drill left it in, and sees that its history has the commit of main. */
export async function handBack(stack: Stack): Promise<void> {
  const { code, stderr } = await stack.make('resume', '--app', APP);
  if (code !== 0) throw new Error(stderr);
  await stack.onCall.sync(APP);
  await until('the end of the sync', async () => (isOperating(await stack.application()) ? undefined : true));
}
