import type { ReplicaSample } from './replicas.ts';
import type { PhaseCounts } from './tally.ts';

/** Something that happened during a run. */
export interface Event {
  /** In milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
}

/** What happened, in the order of time: phases begin, the number of pods is changed, other images are rolled out. */
export function eventsOf(phases: readonly PhaseCounts[], replicas: readonly ReplicaSample[]): Event[] {
  const events: Event[] = phases.length < 2 ? [] : phases.map(({ name, from }) => ({ time: from, text: name }));
  let before = replicas[0];
  for (const sample of replicas.slice(1)) {
    if (before !== undefined && sample.desired !== before.desired)
      events.push({ time: sample.time, text: `${before.desired} → ${sample.desired} pods${reason(sample)}` });
    if (before !== undefined && sample.image !== before.image && sample.image !== undefined)
      events.push({ time: sample.time, text: `rollout of ${shortImage(sample.image)}` });
    before = sample;
  }
  return events.sort((a, b) => a.time - b.time);
}

const reason = ({ desired, autoscaler, cpuPercent }: ReplicaSample): string =>
  autoscaler === desired && cpuPercent !== undefined ? ` (CPU ${cpuPercent} %)` : '';

/** `registry.internal/fastify-service:0.2.0@sha256:…` as 0.2.0; what has no tag as it is. */
const shortImage = (image: string): string => /:([^:@/]+)(@|$)/.exec(image)?.[1] ?? image;

/** What the autoscaler did. Times in seconds after the first request. */
export interface Scaling {
  readonly lowest: number;
  readonly highest: number;
  /** When the Deployment was first to have more pods than at the start; undefined where it never was. */
  readonly decided: number | undefined;
  /** When as many pods as it was to have at most were ready. */
  readonly ready: number | undefined;
  /** How often the number of pods changed its direction: 1 for up and down again. */
  readonly turns: number;
}

/** @param start the first request, in milliseconds since 1970 */
export function scalingOf(replicas: readonly ReplicaSample[], start: number): Scaling | undefined {
  const [first] = replicas;
  if (first === undefined) return undefined;
  const highest = Math.max(...replicas.map(({ desired }) => desired));
  const seconds = (sample: ReplicaSample | undefined): number | undefined =>
    sample === undefined ? undefined : Math.round((sample.time - start) / 100) / 10;
  let turns = 0;
  let direction = 0;
  for (const [index, { desired }] of replicas.entries()) {
    const step = Math.sign(desired - (replicas[index - 1]?.desired ?? desired));
    if (step !== 0 && direction !== 0 && step !== direction) turns += 1;
    if (step !== 0) direction = step;
  }
  const rose = highest > first.desired;
  return {
    lowest: Math.min(...replicas.map(({ desired }) => desired)),
    highest,
    decided: rose ? seconds(replicas.find(({ desired }) => desired > first.desired)) : undefined,
    ready: rose ? seconds(replicas.find(({ ready }) => ready >= highest)) : undefined,
    turns,
  };
}
