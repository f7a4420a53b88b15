import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Application, isAutoSynced, processes } from '@gitops/local';
import { RunError } from '@gitops/tools/run';
import { follow } from './follow.ts';
import { APP, type Deployment, type Stack } from './stack.ts';

// What is killed, and at which moment of a deployment or of a rollback. Moments are seen in the cluster, without sleeps.

/** What is struck: processes by their names in `make status`, all at once. */
export const FAULTS = {
  'repo-server': ['argocd-repo-server'],
  'application controller': ['argocd-application-controller'],
  'ApplicationSet controller': ['argocd-applicationset-controller'],
  server: ['argocd-server'],
  Redis: ['redis'],
  Git: ['git'],
  'kube-apiserver': ['kube-apiserver'],
  etcd: ['etcd'],
  'kube-controller-manager': ['kube-controller-manager'],
  'node agents': ['node-agent-machine-a', 'node-agent-machine-b'],
  'simulated nodes': ['kwok-controller'],
  'all of Argo CD': [
    'argocd-repo-server',
    'argocd-application-controller',
    'argocd-applicationset-controller',
    'argocd-server',
    'redis',
  ],
  'control plane': ['kube-apiserver', 'etcd', 'kube-controller-manager', 'kube-scheduler'],
} as const;

export type Fault = keyof typeof FAULTS | 'Redis emptied' | 'Git away for a minute';

/**
 * When it is struck. Of a deployment: the push has returned; Argo CD was asked to render it; the Deployment has the new
 * image; the sync has ended and the rollout has not. Of a rollback: auto-sync is off and the call is on its way;
 * Argo CD has the operation; the Deployment has the old image; the operation has ended.
 */
export const MOMENTS = ['call', 'rendering', 'applying', 'health'] as const;
export type Moment = (typeof MOMENTS)[number];

export interface Combination {
  readonly action: 'sync' | 'rollback';
  readonly fault: Fault;
  readonly moment: Moment;
}

export interface State {
  readonly application: Application;
  readonly deployment: Deployment;
}

export async function look(stack: Stack): Promise<State> {
  const [application, deployment] = await Promise.all([
    stack.kubectl('-n', 'argocd', 'get', 'application', APP, '-o', 'json'),
    stack.deployment(),
  ]);
  return { application: JSON.parse(application) as Application, deployment };
}

/** The same; undefined while the API server does not answer. */
export async function tryToLook(stack: Stack): Promise<State | undefined> {
  try {
    return await look(stack);
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}

const startOf = ({ status }: Application): string | undefined => status?.operationState?.startedAt;

/** Whether an object shows that the moment has come. */
function isMoment(
  { action, moment }: Combination,
  before: State,
  application: Application | undefined,
  deployment: Deployment | undefined,
): boolean {
  const isBegun = application !== undefined && startOf(application) !== startOf(before.application);
  switch (moment) {
    case 'call':
      return action === 'rollback' && application !== undefined && !isAutoSynced(application);
    case 'rendering':
      return action === 'sync'
        ? application?.metadata.annotations?.['argocd.argoproj.io/refresh'] !== undefined
        : application?.operation !== undefined || isBegun;
    case 'applying':
      return deployment !== undefined && imageOf(deployment) !== imageOf(before.deployment);
    case 'health':
      return isBegun && application.status?.operationState?.phase === 'Succeeded';
  }
}

export const imageOf = ({ spec }: Deployment): string => spec.template.spec.containers[0]?.image ?? '';

/** Follows the Application and the Deployment until the moment has come; it resolves `reached`. */
export async function follows(
  stack: Stack,
  combination: Combination,
  before: State,
): Promise<{ reached: Promise<null>; reach: () => void; end: () => void }> {
  const reached = Promise.withResolvers<null>();
  const known: { application?: Application; deployment?: Deployment } = {};
  const listening = Promise.withResolvers<null>();
  const onChange = (): void => {
    if (known.application !== undefined && known.deployment !== undefined) listening.resolve(null);
    if (isMoment(combination, before, known.application, known.deployment)) reached.resolve(null);
  };
  const ends = [
    follow(stack, ['-n', 'argocd', 'application', APP], (object) => {
      known.application = object as Application;
      onChange();
    }),
    follow(stack, ['deployment', APP], (object) => {
      known.deployment = object as Deployment;
      onChange();
    }),
  ];
  await listening.promise;
  return {
    reached: reached.promise,
    reach: () => {
      reached.resolve(null);
    },
    end: () => {
      for (const end of ends) end();
    },
  };
}

/** Kills what the fault names; the processes are looked up before, so that it takes no time. */
export function preparedStrike({ instance, ports }: Stack, fault: Fault): () => Promise<void> {
  if (fault === 'Redis emptied') return async () => emptyRedis(ports.redis);
  const names: readonly string[] = fault in FAULTS ? FAULTS[fault as keyof typeof FAULTS] : [];
  const victims = processes(instance, ports).filter(({ name, pid }) => names.includes(name) && pid !== undefined);
  if (victims.length === 0) throw new Error(`${names.join(', ')}: not running`);
  return async () => {
    for (const { pid } of victims) process.kill(pid ?? NaN, 'SIGKILL');
    return Promise.resolve();
  };
}

/** Deletes every key of Redis. */
export async function emptyRedis(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  // As an array of one string: miniredis takes no plain lines.
  socket.write('*1\r\n$8\r\nFLUSHALL\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  if (!answer.toString().startsWith('+OK')) throw new Error(`Redis answers ${answer.toString()}`);
}

/** Rejects when the moment does not come. */
export async function orTooLate(reached: Promise<null>, { moment }: Combination): Promise<void> {
  const controller = new AbortController();
  const late = sleep(120_000, undefined, { signal: controller.signal }).then(() => {
    throw new Error(`the moment "${moment}" did not come within 120 s`);
  });
  late.catch(() => undefined);
  try {
    await Promise.race([reached, late]);
  } finally {
    controller.abort();
  }
}
