import { Histogram } from './histogram.ts';
import { type Outcome, outcomeOf, type RequestSample } from './request.ts';

/** What some requests came to. Times in milliseconds; undefined where none got an answer. */
export interface Counts {
  readonly requests: number;
  readonly answered: number;
  /** Wrong requests that got their 4xx. */
  readonly mistakes: number;
  /** Refused with 503. */
  readonly refused: number;
  /** No answer, or a wrong one. */
  readonly failed: number;
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
}

/** The requests of one second. */
export interface Second extends Counts {
  /** Its beginning, in seconds since 1970. */
  readonly time: number;
}

/** The requests of one phase. */
export interface PhaseCounts extends Counts {
  readonly name: string;
  /** Its first and last answer, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** The times of its answers. */
  readonly times: Histogram;
}

/** A request that got no answer or a wrong one, or was refused. */
export type Failure = Pick<RequestSample, 'time' | 'method' | 'path' | 'status' | 'error'>;

// More than anybody reads, and little enough to keep.
const MOST_FAILURES = 10_000;

class Counter {
  readonly times = new Histogram();
  readonly #outcomes: Record<Outcome, number> = { answered: 0, mistake: 0, refused: 0, failed: 0 };

  add(sample: RequestSample): void {
    this.#outcomes[outcomeOf(sample)] += 1;
    if (sample.status !== 0) this.times.add(sample.milliseconds);
  }

  counts(): Counts {
    const { answered, mistake: mistakes, refused, failed } = this.#outcomes;
    const [p50, p95, p99] = [50, 95, 99].map((percent) => rounded(this.times.percentile(percent)));
    return { requests: answered + mistakes + refused + failed, answered, mistakes, refused, failed, p50, p95, p99 };
  }
}

const rounded = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Number(value.toPrecision(3));

/** Sums up the requests of a run as they come, by second and by phase; keeps none of them but those that failed. */
export class Tally {
  readonly #all = new Counter();
  readonly #seconds = new Map<number, Counter>();
  readonly #phases = new Map<string, { readonly counter: Counter; readonly from: number; to: number }>();
  /** The first ones; `total` has the number of all. */
  readonly failures: Failure[] = [];

  add(sample: RequestSample): void {
    const { time, phase, method, path, status, error } = sample;
    this.#all.add(sample);
    const second = Math.floor(time / 1000);
    const ofSecond = this.#seconds.get(second) ?? new Counter();
    this.#seconds.set(second, ofSecond);
    ofSecond.add(sample);
    const ofPhase = this.#phases.get(phase) ?? { counter: new Counter(), from: time, to: time };
    this.#phases.set(phase, ofPhase);
    ofPhase.counter.add(sample);
    ofPhase.to = Math.max(ofPhase.to, time);
    if (!sample.expected && this.failures.length < MOST_FAILURES)
      this.failures.push({ time, method, path, status, error });
  }

  get total(): Counts {
    return this.#all.counts();
  }

  /** In the order of time, with a second of zeros where nothing was answered. */
  get seconds(): Second[] {
    const times = [...this.#seconds.keys()].sort((a, b) => a - b);
    const [first, last] = [times[0], times.at(-1)];
    if (first === undefined || last === undefined) return [];
    return Array.from({ length: last - first + 1 }, (_, index) => {
      const time = first + index;
      return { time, ...(this.#seconds.get(time) ?? new Counter()).counts() };
    });
  }

  /** In the order in which they began. */
  get phases(): PhaseCounts[] {
    return [...this.#phases].map(([name, { counter, from, to }]) => ({
      name,
      from,
      to,
      times: counter.times,
      ...counter.counts(),
    }));
  }
}
