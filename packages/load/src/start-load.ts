import { join } from 'node:path';
import type { Tools } from '@gitops/tools/tools';
import { startK6 } from './k6.ts';
import { DRILL } from './scenarios.ts';
import { type Counts, type Failure, Tally } from './tally.ts';

export type { Counts, Failure } from './tally.ts';

export interface LoadOptions {
  /** Where requests go, as http://127.0.0.1:8080, without a slash at the end. */
  readonly url: string;
  /** The Host header, where it is another than that of the address. */
  readonly host?: string;
  /** Requests per second, from the first second to the last, whatever the answers take. */
  readonly rate: number;
  /** At most so many seconds. */
  readonly duration: number;
}

/** What a load came to. */
export interface LoadResult extends Counts {
  /** Requests that were due and not sent, since all clients waited for answers: more than none is no exact load. */
  readonly dropped: number;
  /** All that got no answer or a wrong one, or were refused; of more than ten thousand the first. */
  readonly failures: readonly Failure[];
}

export interface Load {
  /** When the first request was answered. */
  readonly started: Promise<void>;
  /** The number of requests until now. */
  readonly count: () => number;
  /** Ends the load and gives what it came to. Requests without an answer yet are not counted. */
  readonly stop: () => Promise<LoadResult>;
  /** What it came to, when the duration is over or it was stopped. */
  readonly result: Promise<LoadResult>;
}

/**
 * A steady load for drills: cheap requests at a constant rate, by clients that keep their connections, every tenth of
 * which is a new one. Nothing is retried but what Go's client retries for everybody: a GET on a kept connection that
 * ends before the first byte of an answer.
 * @param tools with k6: `ensureTools(progress, { verify: false, builds: ['load'] })`
 */
export function startLoad({ bin }: Pick<Tools, 'bin'>, { url, host, rate, duration }: LoadOptions): Load {
  const tally = new Tally();
  let count = 0;
  const { promise: started, resolve: isStarted } = Promise.withResolvers<undefined>();
  const run = startK6(
    join(bin, 'k6'),
    DRILL,
    { address: url, rate, seconds: duration, ...(host !== undefined && { host }) },
    (sample) => {
      tally.add(sample);
      count += 1;
      if (count === 1) isStarted(undefined);
    },
  );
  const result = run.result.then(({ dropped }) => ({ ...tally.total, dropped, failures: tally.failures }));
  const stop = async (): Promise<LoadResult> => {
    run.stop();
    return result;
  };
  // A load that ends before its first answer must not be waited for.
  return { started: Promise.race([started, result.then(() => undefined)]), count: () => count, stop, result };
}
