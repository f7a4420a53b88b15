import type { Objectives } from './settings.ts';
import type { PhaseCounts } from './tally.ts';

/** What a phase was asked, and what it came to. */
export interface Threshold {
  readonly phase: string;
  /** `failed`: requests without the right answer. `lost`: those of them that were not refused with Retry-After. */
  readonly measure: 'failed' | 'lost' | 'latency';
  /** For latency: of so many percent of the requests. */
  readonly percent: number | undefined;
  /** The value must be below: a share of the requests, or milliseconds. */
  readonly below: number;
  readonly value: number | undefined;
  readonly holds: boolean;
}

/** The thresholds of a phase whose requests k6 did not judge itself. */
export function judge(phase: PhaseCounts, { failedShare, latency }: Objectives): Threshold[] {
  const failed = (phase.refused + phase.failed) / phase.requests;
  const time = phase.times.percentile(latency.percent);
  const common = { phase: phase.name };
  return [
    {
      ...common,
      measure: 'failed',
      percent: undefined,
      below: failedShare,
      value: failed,
      holds: failed < failedShare,
    },
    {
      ...common,
      measure: 'latency',
      percent: latency.percent,
      below: latency.milliseconds,
      value: time,
      holds: time !== undefined && time < latency.milliseconds,
    },
  ];
}

const percentText = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;
const millisecondsText = (time: number): string => `${Number(time.toPrecision(3))} ms`;

/** What is measured, what is asked and what it was, as three cells of a table. */
export function thresholdCells({ phase, measure, percent, below, value }: Threshold): [string, string, string] {
  const show = measure === 'latency' ? millisecondsText : percentText;
  const what =
    measure === 'latency'
      ? `${String(percent)} % of the requests within`
      : measure === 'lost'
        ? 'failed and not refused by 503 with Retry-After'
        : 'failed requests';
  return [`${phase}: ${what}`, `< ${show(below)}`, value === undefined ? 'nothing' : show(value)];
}

/** The line for a threshold that does not hold. */
export function brokenThreshold(threshold: Threshold): string {
  const [what, asked, measured] = thresholdCells(threshold);
  return `${what}: ${measured}, asked ${asked}`;
}
