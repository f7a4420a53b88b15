import { join } from 'node:path';
import { type Event, eventsOf, type Scaling, scalingOf } from './events.ts';
import { startHey } from './hey.ts';
import { startK6 } from './k6.ts';
import { type ReplicaSample, sampleReplicas } from './replicas.ts';
import { HEY } from './scenarios.ts';
import { objectivesOf } from './settings.ts';
import { type Counts, type Failure, type PhaseCounts, type Second, Tally } from './tally.ts';
import type { Target } from './target.ts';
import { judge, type Threshold } from './thresholds.ts';

/** Everything that is known of a run; what the picture is drawn from. */
export interface RunRecord {
  readonly scenario: string;
  readonly target: Target;
  /** Requests per second that were asked for. */
  readonly rate: number;
  /** The first request, in milliseconds since 1970. */
  readonly start: number;
  readonly total: Counts;
  /** Requests that were due and not sent, since all clients were waiting for answers. */
  readonly dropped: number;
  readonly phases: readonly PhaseCounts[];
  readonly thresholds: readonly Threshold[];
  readonly events: readonly Event[];
  readonly scaling: Scaling | undefined;
  readonly seconds: readonly Second[];
  readonly replicas: readonly ReplicaSample[];
  /** Why replicas are missing; undefined where none is. */
  readonly replicasProblem: string | undefined;
  readonly failures: readonly Failure[];
}

export interface RunOptions {
  /** The folder of k6 and hey. */
  readonly bin: string;
  readonly scenario: string;
  readonly target: Target;
  readonly rate: number;
  /** How long; the scenario's own duration where left out. */
  readonly seconds: number | undefined;
  /** Called once a second. */
  readonly onProgress: (text: string) => void;
  /** Ends the run early; what was measured until then is the result. */
  readonly signal: AbortSignal;
}

/** Runs a scenario against the service, and reads the number of pods meanwhile. */
export async function runScenario(options: RunOptions): Promise<RunRecord> {
  const { bin, scenario, target, rate, seconds, onProgress, signal } = options;
  const { address, host, slo, kubeconfig } = target;
  const objectives = objectivesOf(slo);
  const tally = new Tally();
  const sampling = kubeconfig === undefined ? undefined : sampleReplicas(kubeconfig);
  const start = Date.now();
  const settings = {
    address,
    rate,
    objectives,
    ...(host !== undefined && { host }),
    ...(seconds !== undefined && { seconds }),
  };
  const onRequest = tally.add.bind(tally);
  const run =
    scenario === HEY
      ? startHey(join(bin, 'hey'), settings, onRequest)
      : startK6(join(bin, 'k6'), scenario, settings, onRequest);
  signal.addEventListener('abort', run.stop);
  const timer = setInterval(() => {
    onProgress(progressText(tally.total, sampling?.samples.at(-1)));
  }, 1000);
  try {
    const { thresholds, dropped } = await run.result;
    const { phases, seconds: perSecond } = tally;
    const samples = sampling?.samples ?? [];
    const first = phases[0]?.from ?? start;
    return {
      scenario,
      target,
      rate,
      start: first,
      total: tally.total,
      dropped,
      phases,
      thresholds: scenario === HEY ? phases.flatMap((phase) => judge(phase, objectives)) : inOrder(thresholds, phases),
      events: eventsOf(phases, samples),
      scaling: scalingOf(samples, first),
      seconds: perSecond,
      replicas: samples,
      replicasProblem: sampling?.problem(),
      failures: tally.failures,
    };
  } finally {
    clearInterval(timer);
    await sampling?.stop();
  }
}

/** In the order of the phases, failures before latency. */
function inOrder(thresholds: readonly Threshold[], phases: readonly PhaseCounts[]): Threshold[] {
  const place = ({ phase, measure }: Threshold): number =>
    2 * phases.findIndex(({ name }) => name === phase) + (measure === 'latency' ? 1 : 0);
  return [...thresholds].sort((a, b) => place(a) - place(b));
}

function progressText({ requests, refused, failed }: Counts, replicas: ReplicaSample | undefined): string {
  const bad = refused + failed === 0 ? 'none failed' : `${refused} refused, ${failed} failed`;
  const pods = replicas === undefined ? '' : `; ${replicas.ready} of ${replicas.desired} pods ready`;
  return `${requests} requests, ${bad}${pods}`;
}
