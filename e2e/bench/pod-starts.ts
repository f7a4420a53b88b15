import { type Measure, summary } from '@gitops/report/measure';
import { isReady, type Pod, servicePods } from '../src/faults.ts';
import { follow } from '../src/follow.ts';
import { APP, Stack, until } from '../src/stack.ts';
import { instance, progress } from './bench.ts';

const isTrue = ({ status }: Pod, isType: (type: string) => boolean): boolean =>
  status.conditions?.some(({ type, status: is }) => isType(type) && is === 'True') === true;

/** What a pod goes through, in this order; the target is that of the load balancer, which the readiness gate waits for. */
const STEPS = {
  bound: ({ spec }: Pod) => spec.nodeName !== undefined,
  running: ({ status }: Pod) => status.containerStatuses?.[0]?.state.running !== undefined,
  started: ({ status }: Pod) => status.containerStatuses?.[0]?.started === true,
  'containers ready': (pod: Pod) => isTrue(pod, (type) => type === 'ContainersReady'),
  'target healthy': (pod: Pod) => isTrue(pod, (type) => type.startsWith('target-health.')),
  ready: isReady,
};

type Step = keyof typeof STEPS;

/** When each step of a pod was seen, in milliseconds; the times in the status of a pod are whole seconds. */
type Start = Partial<Record<Step, number>>;

/** Replaces a pod of the service in each round, and takes the start of the new one apart. */
export async function measurePodStarts(rounds: number): Promise<Measure[]> {
  const stack = await Stack.open(instance.dir);
  const starts = new Map<string, Start>();
  const end = follow(stack, ['pods', '-l', `app.kubernetes.io/name=${APP}`], (object) => {
    const pod = object as Pod;
    const start = starts.get(pod.metadata.uid) ?? {};
    starts.set(pod.metadata.uid, start);
    for (const [step, isReached] of Object.entries(STEPS))
      if (isReached(pod)) start[step as Step] ??= performance.now();
  });
  const measured: Start[] = [];
  try {
    for (let round = 1; round <= rounds; round += 1) {
      measured.push(await replacePod(stack, starts));
      progress.detail(`pod ${round} of ${rounds}`);
    }
  } finally {
    end();
  }
  progress.done('starts of pods');
  const between = (from: Step, to: Step): number[] =>
    measured.map((start) => (start[to] ?? Number.NaN) - (start[from] ?? Number.NaN));
  return [
    summary('pod bound → container runs', 's', between('bound', 'running')),
    // The kubelet's first probe is a period after its worker, a second.
    summary('container runs → startup probe passed', 's', between('running', 'started')),
    summary('startup probe passed → containers ready', 's', between('started', 'containers ready')),
    summary('pod bound → containers ready', 's', between('bound', 'containers ready'), { atMost: 1500 }),
    // The load balancer's share: registration and first health check, as an ALB has them.
    summary('containers ready → target healthy', 's', between('containers ready', 'target healthy')),
    summary('target healthy → pod Ready', 's', between('target healthy', 'ready')),
    summary('pod bound → Ready', 's', between('bound', 'ready')),
  ];
}

/** Deletes a pod and waits until the one in its place is ready. */
async function replacePod(stack: Stack, starts: ReadonlyMap<string, Start>): Promise<Start> {
  const before = await until('pods at rest', async () => {
    const pods = await servicePods(stack);
    const isAtRest = pods.length > 1 && pods.every((pod) => isReady(pod) && starts.has(pod.metadata.uid));
    return isAtRest ? pods : undefined;
  });
  await stack.kubectl('-n', APP, 'delete', 'pod', before[0]?.metadata.name ?? '', '--wait=false');
  const known = new Set(before.map(({ metadata }) => metadata.uid));
  return until('a new pod', async () => {
    const added = (await servicePods(stack)).find(({ metadata }) => !known.has(metadata.uid));
    const start = starts.get(added?.metadata.uid ?? '');
    return start?.ready === undefined ? undefined : start;
  });
}
