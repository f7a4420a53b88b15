import { existsSync } from 'node:fs';
import { CommandError } from '@gitops/report/errors';
import type { Progress } from '@gitops/report/progress';
import { chartTable, fetchCharts, type Fetched, type FetchedChart, type FetchOptions } from './fetch.ts';
import { localCharts } from './local.ts';
import { LOCK } from './lock.ts';
import { chartStore } from './store.ts';

const PULL_TIMEOUT = 120_000;
/** `make test` tries once, and continues without. */
const BRIEF_TIMEOUT = 10_000;

/** What `make charts` prints, and the charts as data. */
export interface ChartsResult {
  readonly text: string;
  readonly charts: readonly FetchedChart[];
  /** What to throw once the text is printed; undefined where every chart is on this machine. */
  readonly failure: CommandError | undefined;
}

/**
 * `make charts`: fetches what is not cached and verified, and reports each chart.
 * @param options.from a folder to take them from instead of their repositories
 *
 * Throws CommandError for a folder that is not there and for a lock file that cannot be read.
 */
export async function chartsCommand(
  root: string,
  options: Pick<FetchOptions, 'helm' | 'store' | 'helmArguments'> & { readonly from?: string | undefined },
): Promise<ChartsResult> {
  const { from } = options;
  if (from !== undefined && !existsSync(from))
    throw new CommandError(
      `unknown folder ${from}`,
      'FROM is a folder with archives (name-version.tgz) or chart folders',
    );
  const fetched = await fetchCharts(root, { timeout: PULL_TIMEOUT, ...options });
  return {
    text: [chartTable(fetched.charts), '', ...summaryOf(fetched)].join('\n'),
    charts: fetched.charts,
    failure: failureOf(fetched.charts),
  };
}

function summaryOf({ charts, isLockChanged }: Fetched): string[] {
  const unverified = charts.filter(({ state }) => state === 'unverified');
  const brought = charts.filter(({ source }) => source !== 'cache' && source !== '-').length;
  return [
    brought === 0 ? 'nothing was fetched' : `${brought} of ${charts.length} charts were fetched`,
    ...(isLockChanged ? [`${LOCK} has changed: commit it`] : []),
    ...(unverified.length === 0
      ? []
      : [
          `unverified: ${unverified.map(({ chart }) => chart).join(', ')}: ` +
            'no pull from its repository has recorded a sum',
        ]),
  ];
}

function failureOf(charts: readonly FetchedChart[]): CommandError | undefined {
  const problems = charts.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  if (problems.length === 0) return undefined;
  return new CommandError(
    problems,
    charts.some(({ state }) => state === 'refused')
      ? 'a refused archive is not kept. A release must not change: ask its publisher; if the new archive is right, ' +
          `remove its entry from ${LOCK} and run \`make charts\` again`
      : 'check the network, or take the charts from a folder: `make charts FROM=<folder>`',
  );
}

/**
 * For tests: brings the charts that are missing, once and briefly, and continues where their repositories cannot be
 * reached. Throws CommandError for an archive that is refused, and whatever localCharts throws.
 */
export async function ensureCharts(
  root: string,
  helm: string,
  progress: Progress,
  store = chartStore(),
): Promise<void> {
  if (localCharts(root, { store, require: false }).missing.length > 0) {
    progress.start('charts: pulling those that are not on this machine');
    const fetched = await fetchCharts(root, { helm, store, timeout: BRIEF_TIMEOUT, onlyMissing: true });
    const refused = fetched.charts.filter(({ state }) => state === 'refused');
    if (refused.length > 0) throw failureOf(refused) ?? new Error('refused');
    const missing = fetched.charts.filter(({ state }) => state === 'missing');
    if (fetched.isLockChanged) progress.note(`${LOCK} has changed: commit it`);
    progress.done(
      missing.length === 0
        ? `charts: ${fetched.charts.length} on this machine`
        : 'charts: not on this machine, and what needs them stays unchecked: ' +
            `${missing.map(({ chart, version }) => `${chart} ${version}`).join(', ')} (${missing[0]?.problem ?? ''})`,
    );
  }
  localCharts(root, { store });
}
