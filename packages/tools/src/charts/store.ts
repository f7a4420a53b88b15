import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { cacheFolder, fillFolder } from '../cache.ts';
import { run, RunError } from '../run.ts';
import { type ChartName, titleOf } from './names.ts';

/** A chart that was unpacked in the cache. */
export interface StoredChart extends ChartName {
  /** Its folder, with Chart.yaml. */
  readonly folder: string;
  /** Of the archive that it was unpacked from, in hex; undefined for a chart that was taken as a folder. */
  readonly sha256?: string;
}

/** Charts of the user, shared by all clones: a folder for each content, so that no clone takes another's away. */
export const chartStore = (): string => join(cacheFolder(), 'charts');

const DESCRIPTION = 'chart.json';

/** Every chart in the store, the one that came last first. */
export function storedCharts(store: string): StoredChart[] {
  const entries = existsSync(store) ? readdirSync(store) : [];
  return entries
    .map((entry) => join(store, entry))
    .filter((folder) => existsSync(join(folder, DESCRIPTION)))
    .map((folder) => ({ folder, time: statSync(folder).mtimeMs }))
    .sort((a, b) => b.time - a.time)
    .map(({ folder }) => {
      const { repoURL, chart, version, sha256 } = JSON.parse(readFileSync(join(folder, DESCRIPTION), 'utf8')) as Omit<
        StoredChart,
        'folder'
      >;
      return {
        ...{ repoURL, chart, version, folder: join(folder, chart) },
        ...(sha256 === undefined ? {} : { sha256 }),
      };
    });
}

/** What keeps a chart from being what it was asked for as. */
export class ChartProblem extends Error {}

/**
 * Unpacks an archive into the store.
 * @param sha256 of the archive
 * Throws ChartProblem where it holds something else than the chart of that name.
 */
export async function storeArchive(
  store: string,
  name: ChartName,
  archive: string,
  sha256: string,
): Promise<StoredChart> {
  const scratch = mkdtempSync(join(tmpdir(), 'chart-'));
  try {
    await run('tar', ['-xzf', archive, '-C', scratch]).catch((error: unknown) => {
      if (!(error instanceof RunError)) throw error;
      throw new ChartProblem(
        `${titleOf(name)}: ${archive} cannot be unpacked: ${error.stderr.trim().split('\n')[0] ?? ''}`,
      );
    });
    const folder = join(scratch, name.chart);
    if (!existsSync(join(folder, 'Chart.yaml')))
      throw new ChartProblem(`${titleOf(name)}: ${archive} holds no folder ${name.chart} with a Chart.yaml`);
    return put(store, name, folder, sha256, sha256);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Copies a chart's folder into the store. Throws ChartProblem where it is another chart or version. */
export function storeFolder(store: string, name: ChartName, folder: string): StoredChart {
  const hash = createHash('sha256');
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .sort())
    hash.update(entry.slice(folder.length)).update('\0').update(readFileSync(entry));
  return put(store, name, folder, hash.digest('hex'));
}

function put(store: string, name: ChartName, from: string, content: string, sha256?: string): StoredChart {
  const { repoURL, chart, version } = name;
  checkChart(name, from);
  const key = createHash('sha256')
    .update([repoURL, sha256 ?? 'folder', content].join(' '))
    .digest('hex')
    .slice(0, 16);
  const folder = join(store, `${chart}-${version}-${key}`);
  if (!existsSync(folder))
    fillFolder(folder, (scratch) => {
      cpSync(from, join(scratch, chart), { recursive: true });
      writeFileSync(join(scratch, DESCRIPTION), JSON.stringify({ repoURL, chart, version, sha256 }));
    });
  // The last one that was taken is the one that counts.
  utimesSync(folder, new Date(), new Date());
  return { repoURL, chart, version, folder: join(folder, chart), ...(sha256 === undefined ? {} : { sha256 }) };
}

/** Refuses a chart of another name or version, and one that lacks the charts that it depends on. */
function checkChart(wanted: ChartName, folder: string): void {
  const { name, version, dependencies } = parse(readFileSync(join(folder, 'Chart.yaml'), 'utf8')) as {
    readonly name?: string;
    readonly version?: string;
    readonly dependencies?: readonly { readonly name: string }[];
  };
  if (name !== wanted.chart || String(version) !== wanted.version)
    throw new ChartProblem(`${titleOf(wanted)}: found ${String(name)} ${String(version)}`);
  const parts = existsSync(join(folder, 'charts')) ? readdirSync(join(folder, 'charts')) : [];
  const lacking = (dependencies ?? []).filter(
    (dependency) => !parts.some((part) => part === dependency.name || part.startsWith(`${dependency.name}-`)),
  );
  if (lacking.length > 0)
    throw new ChartProblem(
      `${titleOf(wanted)}: its folder charts/ lacks ${lacking.map((part) => part.name).join(', ')}; ` +
        'run `helm dependency build`',
    );
}
