import { CommandError } from '@gitops/report/errors';
import { LOCK, lockedSum, readLock } from './lock.ts';
import { type ChartName, isSameChart, type NamedChart, titleOf, upstreamCharts } from './names.ts';
import { chartStore, storedCharts } from './store.ts';

/** An upstream chart on this machine. */
export interface LocalChart extends ChartName {
  /** Its folder, with Chart.yaml. */
  readonly folder: string;
}

/** A chart of the cache, held against the lock file. */
export interface CachedChart extends LocalChart {
  /** Whether its archive is the one of the lock file. */
  readonly isVerified: boolean;
}

/** What a repository can render of its upstream charts. */
export interface LocalCharts {
  /** Every chart on this machine, of other versions too: a comparison renders what Git had before. */
  readonly charts: readonly CachedChart[];
  /** Those that the repository names and this machine does not have. */
  readonly missing: readonly NamedChart[];
}

/**
 * The upstream charts on this machine, none fetched: `make charts` does that. Where the lock file has a sum, an archive
 * with another one counts as absent.
 * @param root the repository's folder
 * @param options.store the folder of charts; the user's where left out
 *
 * Throws CommandError for a lock file that cannot be read, and under REQUIRE_CHARTS=1 for each chart that is missing or
 * not verified.
 */
export function localCharts(
  root: string,
  { store = chartStore(), require = chartsAreRequired() }: { store?: string; require?: boolean } = {},
): LocalCharts {
  const lock = readLock(root);
  const charts: CachedChart[] = [];
  for (const stored of storedCharts(store)) {
    const sum = lockedSum(lock, stored);
    const isVerified = sum !== undefined && stored.sha256 === sum;
    // Of an archive, the sum must be that of the lock; a folder has none.
    if (sum !== undefined && stored.sha256 !== undefined && !isVerified) continue;
    const index = charts.findIndex((other) => isSameChart(other, stored));
    const { repoURL, chart: name, version, folder } = stored;
    const chart = { repoURL, chart: name, version, folder, isVerified };
    if (index === -1) charts.push(chart);
    else if (isVerified && charts[index]?.isVerified === false) charts[index] = chart;
  }
  const named = upstreamCharts(root);
  const missing = named.filter((name) => !charts.some((chart) => isSameChart(chart, name)));
  if (require) {
    const problems = named.flatMap((name) => {
      const found = charts.find((chart) => isSameChart(chart, name));
      if (found?.isVerified === true) return [];
      const what =
        found === undefined
          ? 'is not on this machine'
          : lockedSum(lock, name) === undefined
            ? `has no SHA-256 in ${LOCK}`
            : 'was taken from a folder, and is not verified';
      return [`${name.file}: ${titleOf(name)} ${what}`];
    });
    if (problems.length > 0)
      throw new CommandError(
        problems,
        'REQUIRE_CHARTS=1 requires every chart: run `make charts` where the repositories can be reached, ' +
          `and commit ${LOCK}`,
      );
  }
  return { charts, missing };
}

/** Whether REQUIRE_CHARTS=1 makes a missing or unverified chart an error. Throws CommandError for other values. */
export function chartsAreRequired(env: NodeJS.ProcessEnv = process.env): boolean {
  const value = env.REQUIRE_CHARTS ?? '';
  if (value === '1') return true;
  if (value === '' || value === '0') return false;
  throw new CommandError(`REQUIRE_CHARTS is ${JSON.stringify(value)}`, 'it must be 1 or 0');
}
