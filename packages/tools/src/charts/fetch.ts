import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { table } from '@gitops/report/table';
import { run, RunError } from '../run.ts';
import { sha256 as sumOf } from '../sha256.ts';
import { LOCK, type LockedChart, lockedSum, readLock, writeLock } from './lock.ts';
import { isExactVersion, isSameChart, type NamedChart, titleOf, upstreamCharts } from './names.ts';
import { ChartProblem, chartStore, storeArchive, storedCharts, storeFolder } from './store.ts';

/** What came of a chart that the repository names. */
export interface FetchedChart extends NamedChart {
  /** Where it was taken from: the cache, its repository, or a path below the folder that was named. */
  readonly source: string;
  /** Of its archive, in hex; undefined for a chart that came as a folder, or not at all. */
  readonly sha256: string | undefined;
  /**
   * verified: the archive of the lock file. recorded: pulled, and its sum is new in the lock file. unverified: usable,
   * but no pull from its repository has vouched for it. refused: another archive than that of the lock file. missing.
   */
  readonly state: 'verified' | 'recorded' | 'unverified' | 'refused' | 'missing';
  /** Why it is refused, missing or still unverified. */
  readonly problem?: string;
}

export interface FetchOptions {
  /** The program that pulls. */
  readonly helm: string;
  /** A folder with archives (name-version.tgz) or chart folders (name, name-version): nothing is pulled then. */
  readonly from?: string | undefined;
  /** How long each pull may take, in milliseconds. */
  readonly timeout: number;
  /** Only those that are not on this machine at all. */
  readonly onlyMissing?: boolean;
  /** More arguments of `helm pull`, for tests: --plain-http. */
  readonly helmArguments?: readonly string[];
  /** The folder of charts; the user's where left out. */
  readonly store?: string;
}

/** The charts, and whether the lock file was changed. */
export interface Fetched {
  readonly charts: readonly FetchedChart[];
  readonly isLockChanged: boolean;
}

type Outcome = Omit<FetchedChart, keyof NamedChart>;

/**
 * Brings the upstream charts that the repository names into the cache: by `helm pull`, or from a folder. What is cached
 * and verified is not fetched again. The sum of each archive that was pulled is recorded in the lock file; where that
 * has one already, an archive with another is refused. What a folder brings is never recorded: only a chart's own
 * repository is the authority on its release.
 * @param root the repository's folder
 *
 * Throws CommandError for a lock file that cannot be read; all else is reported chart by chart.
 */
export async function fetchCharts(root: string, options: FetchOptions): Promise<Fetched> {
  const lock = readLock(root);
  const named = upstreamCharts(root);
  const charts = await Promise.all(
    named.map(async (name) => ({ ...name, ...(await fetchChart(name, lockedSum(lock, name), options)) })),
  );
  const entries = charts.flatMap((chart): LockedChart[] => {
    const sha256 = chart.state === 'recorded' ? chart.sha256 : lockedSum(lock, chart);
    return sha256 === undefined ? [] : [{ ...chart, sha256 }];
  });
  return { charts, isLockChanged: entries.length + lock.length > 0 && writeLock(root, entries) };
}

async function fetchChart(name: NamedChart, locked: string | undefined, options: FetchOptions): Promise<Outcome> {
  const { store = chartStore(), from, onlyMissing = false } = options;
  if (!isExactVersion(name.version))
    return absent(`${name.file}: ${titleOf(name)}: targetRevision must be one exact version, 1.2.3`);
  const stored = storedCharts(store).filter((chart) => isSameChart(chart, name));
  const verified = stored.find((chart) => locked !== undefined && chart.sha256 === locked);
  if (verified !== undefined) return { source: 'cache', sha256: locked, state: 'verified' };
  // An archive with another sum than the lock's is none of this repository.
  const unverified = stored.find((chart) => locked === undefined || chart.sha256 === undefined);
  if (unverified !== undefined && onlyMissing)
    return { source: 'cache', sha256: unverified.sha256, state: 'unverified' };
  try {
    return from === undefined ? await pull(name, locked, store, options) : await take(name, locked, store, from);
  } catch (error) {
    if (!(error instanceof ChartProblem)) throw error;
    if (error instanceof WrongSum)
      return { source: error.source, sha256: error.sha256, state: 'refused', problem: error.message };
    return unverified === undefined
      ? absent(error.message)
      : { source: 'cache', sha256: unverified.sha256, state: 'unverified', problem: error.message };
  }
}

const absent = (problem: string): Outcome => ({ source: '-', sha256: undefined, state: 'missing', problem });

/** An archive that is not the one of the lock file. */
class WrongSum extends ChartProblem {
  readonly source: string;
  readonly sha256: string;

  constructor(name: NamedChart, source: string, sha256: string, locked: string) {
    super(`${titleOf(name)}: the archive from ${source} has the SHA-256 ${sha256}, and ${LOCK} has ${locked}`);
    this.source = source;
    this.sha256 = sha256;
  }
}

/** By `helm pull`, with the user's own Helm settings: repositories that need an account have theirs there. */
async function pull(
  name: NamedChart,
  locked: string | undefined,
  store: string,
  { helm, timeout, helmArguments = [] }: FetchOptions,
): Promise<Outcome> {
  const { repoURL, chart, version } = name;
  const scratch = mkdtempSync(join(tmpdir(), 'helm-pull-'));
  const folder = join(scratch, 'archives');
  mkdirSync(folder);
  // Argo CD takes a registry's address without a scheme, too.
  const isRegistry = repoURL.startsWith('oci://') || !repoURL.includes('://');
  const from = isRegistry
    ? [`oci://${repoURL.replace(/^oci:\/\//, '').replace(/\/$/, '')}/${chart}`]
    : [chart, '--repo', repoURL];
  const signal = AbortSignal.timeout(timeout);
  try {
    await run(helm, ['pull', ...from, '--version', version, '--destination', folder, ...helmArguments], {
      env: { ...process.env, HELM_CACHE_HOME: join(scratch, 'cache') },
      signal,
    });
    const [archive] = readdirSync(folder);
    if (archive === undefined) throw new ChartProblem(`${titleOf(name)}: helm pull wrote no archive`);
    const path = join(folder, archive);
    const sum = await sumOf(path);
    if (locked !== undefined && sum !== locked) throw new WrongSum(name, repoURL, sum, locked);
    await storeArchive(store, name, path, sum);
    return { source: repoURL, sha256: sum, state: locked === undefined ? 'recorded' : 'verified' };
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    const words =
      error.stderr
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^Error: /, '') ?? '';
    throw new ChartProblem(
      `${titleOf(name)} could not be pulled: ${signal.aborted ? `no answer within ${timeout / 1000} s` : words}`,
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** An archive or a chart's folder out of a folder of them. */
async function take(name: NamedChart, locked: string | undefined, store: string, from: string): Promise<Outcome> {
  const { chart, version } = name;
  const archive = join(from, `${chart}-${version}.tgz`);
  if (existsSync(archive)) {
    const sum = await sumOf(archive);
    if (locked !== undefined && sum !== locked) throw new WrongSum(name, archive, sum, locked);
    await storeArchive(store, name, archive, sum);
    return { source: archive, sha256: sum, state: locked === undefined ? 'unverified' : 'verified' };
  }
  const folder = [`${chart}-${version}`, chart]
    .map((entry) => join(from, entry))
    .find((path) => existsSync(join(path, 'Chart.yaml')));
  if (folder === undefined)
    throw new ChartProblem(`${titleOf(name)}: ${from} holds neither ${chart}-${version}.tgz nor a folder ${chart}`);
  storeFolder(store, name, folder);
  return { source: folder, sha256: undefined, state: 'unverified' };
}

/** The charts as a table. */
export const chartTable = (charts: readonly FetchedChart[]): string =>
  table(
    ['CHART', 'VERSION', 'SOURCE', 'SHA-256', 'STATE'],
    charts.map(({ chart, version, source, sha256, state }) => [chart, version, source, sha256 ?? '-', state]),
  );
