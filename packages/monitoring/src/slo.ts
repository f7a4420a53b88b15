/**
 * The arithmetic of burn-rate alerts: when one fires, and when it clears. Tests of the rules and drills against a real
 * Prometheus both ask here, so that no minute is typed twice.
 *
 * An alert fires when the share of failed requests is above factor × error budget over a long and over a short window,
 * for some time. Source: Google, The Site Reliability Workbook, chapter 5 "Alerting on SLOs", alert 6 (multiwindow,
 * multi-burn-rate). All times are in seconds, all ratios between 0 and 1.
 */

/** One burn-rate alert, as its rule has it; times in seconds. */
export interface BurnRateAlert {
  /** How many times faster than allowed the budget is used: 14.4, 6, 3, 1. */
  readonly factor: number;
  readonly long: number;
  readonly short: number;
  /** The rule's `for`. */
  readonly for: number;
}

/** A failure that begins at once, at a constant rate of requests, after a time without any. */
export interface Failure {
  /** The share of all requests that fails (or is too slow), from 0 to 1. */
  readonly ratio: number;
  /** For how many seconds there had been requests before; longer than every window by default. */
  readonly history?: number;
}

/** The share of requests that may fail: 1 - objective, without the error of a floating-point difference. */
export function budgetOf(objective: number): number {
  if (!(objective > 0 && objective < 1)) throw new RangeError(`an objective is above 0 and below 1, not ${objective}`);
  return Number((1 - objective).toPrecision(12));
}

/** The share of failed requests above which a window counts as burning. */
export const thresholdOf = ({ factor }: Pick<BurnRateAlert, 'factor'>, objective: number): number =>
  Number((factor * budgetOf(objective)).toPrecision(12));

/**
 * Seconds from the first failed request until the alert fires; Infinity where it never does. The clock is exact here: a
 * real Prometheus sees it up to one scrape and two evaluations later (`latestFiring`).
 *
 * After t seconds a window of W seconds holds ratio × t failed requests of min(W, history + t) in all, at one request a
 * second. That share passes the threshold T at t = min(T·W / ratio, T·history / (ratio - T)).
 * @param objective the objective as a ratio: 0.999
 */
export function secondsToFiring(alert: BurnRateAlert, objective: number, failure: Failure): number {
  const { ratio, history = Infinity } = failure;
  const threshold = thresholdOf(alert, objective);
  if (ratio <= threshold) return Infinity;
  const burning = [alert.long, alert.short].map((window) =>
    Math.min((threshold * window) / ratio, (threshold * history) / (ratio - threshold)),
  );
  return Math.max(...burning) + alert.for;
}

/**
 * Seconds from the last failed request until an alert that fires clears. The short window forgets first: the failures
 * that are left in it after u seconds are ratio × (short - u), and the share is at the threshold when u = short × (1 -
 * T / ratio). Infinity where the alert would not fire.
 */
export function secondsToClearing(alert: BurnRateAlert, objective: number, { ratio }: Failure): number {
  const threshold = thresholdOf(alert, objective);
  if (ratio <= threshold) return Infinity;
  return alert.short * (1 - threshold / ratio);
}

/**
 * The latest moment at which a real Prometheus may show the alert, by its own intervals: the failure is scraped up to
 * one scrape later; the recording rule, the alert, and the end of `for` each wait for an evaluation.
 * @param seconds what `secondsToFiring` or `secondsToClearing` says
 */
export const latestFiring = (
  seconds: number,
  { scrape, evaluation }: { readonly scrape: number; readonly evaluation: number },
): number => seconds + scrape + 2 * evaluation;
