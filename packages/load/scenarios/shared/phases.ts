import { settings } from './settings.ts';

/** A part of a scenario. Rates are multiples of the rate that the run is given. */
export interface Phase {
  readonly name: string;
  /** Its part of the duration; those of all phases are 1 together. */
  readonly share: number;
  /** The rate, at its end where it begins with another. */
  readonly rate: number;
  /** The rate that it begins with. */
  readonly from?: number;
  /** More than the service is made for: it may refuse requests with 503 and Retry-After, and must not lose any. */
  readonly overload?: boolean;
}

// A stalled pod must not stop the arrivals. So many seconds of requests may wait for answers; a client more is dropped
// while k6 makes one, so all are made beforehand.
const MOST_WAITING_SECONDS = 0.25;

/**
 * The options of k6 for a scenario: each phase is one of k6's own scenarios, so that k6 tags its samples by the phase,
 * with the thresholds that follow from the objectives.
 * @param seconds how long it takes where the run does not say
 */
export function optionsOf(seconds: number, phases: readonly Phase[]): object {
  const duration = settings.seconds ?? seconds;
  const scenarios: Record<string, object> = {};
  const thresholds: Record<string, string[]> = {};
  let start = 0;
  for (const phase of phases) {
    scenarios[phase.name] = scenarioOf(phase, start * duration, phase.share * duration);
    Object.assign(thresholds, thresholdsOf(phase));
    start += phase.share;
  }
  return {
    scenarios,
    thresholds,
    discardResponseBodies: true,
    systemTags: ['status', 'method', 'error', 'scenario', 'expected_response'],
    summaryTrendStats: ['med', 'p(95)', 'p(99)'],
  };
}

function scenarioOf({ rate, from = rate }: Phase, start: number, seconds: number): object {
  const perSecond = (multiple: number): number => Math.max(1, Math.round(multiple * settings.rate));
  const [first, last] = [perSecond(from), perSecond(rate)];
  return {
    // Also where the rate stays as it is: k6's executor for that alone takes no phase of less than a second.
    executor: 'ramping-arrival-rate',
    startTime: milliseconds(start),
    timeUnit: '1s',
    startRate: first,
    stages: [{ target: last, duration: milliseconds(seconds) }],
    gracefulStop: '5s',
    preAllocatedVUs: Math.max(5, Math.ceil(Math.max(first, last) * MOST_WAITING_SECONDS)),
  };
}

function thresholdsOf({ name, overload = false }: Phase): Record<string, string[]> {
  if (settings.objectives === undefined) return {};
  const { failedShare, latency } = settings.objectives;
  if (overload) return { [`http_req_lost{scenario:${name}}`]: [`rate<${failedShare}`] };
  return {
    [`http_req_failed{scenario:${name}}`]: [`rate<${failedShare}`],
    [`http_req_duration{scenario:${name}}`]: [`p(${latency.percent})<${latency.milliseconds}`],
  };
}

const milliseconds = (seconds: number): string => `${Math.round(seconds * 1000)}ms`;
