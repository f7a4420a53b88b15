import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { CommandError } from '@gitops/report/errors';
import { type ChartName, isSameChart } from './names.ts';

/** The archive of a chart as its repository had it when it was first pulled. */
export interface LockedChart extends ChartName {
  /** Of the archive, in hex. */
  readonly sha256: string;
}

/** From the repository's root. */
export const LOCK = 'argocd/charts.lock.yaml';

const HEADER = `# SHA-256 of each upstream chart's archive, as its repository had it when it was first pulled. Written by \`make charts\`: commit
# it. A later archive with another sum is refused. A chart without an entry was never pulled from its repository: the first
# \`make charts\` that reaches it adds one.
`;

/** The entries of the lock file; none where there is no file. Throws CommandError for a file of another form. */
export function readLock(root: string): LockedChart[] {
  const file = join(root, LOCK);
  if (!existsSync(file)) return [];
  const document = parseDocument(readFileSync(file, 'utf8'));
  const content = document.errors.length === 0 ? (document.toJS() as unknown) : undefined;
  const { charts } = (content ?? {}) as { readonly charts?: unknown };
  if (!Array.isArray(charts) || !charts.every(isEntry))
    throw new CommandError(
      `${LOCK} must hold a list \`charts\` of entries with repoURL, chart, version and sha256`,
      `restore it (\`git checkout -- ${LOCK}\`) and run \`make charts\``,
    );
  return charts;
}

function isEntry(value: unknown): value is LockedChart {
  const { repoURL, chart, version, sha256 } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return [repoURL, chart, version].every((text) => typeof text === 'string') && /^[0-9a-f]{64}$/.test(String(sha256));
}

/** The SHA-256 of a chart's archive; undefined for one that was never pulled. */
export const lockedSum = (lock: readonly LockedChart[], name: ChartName): string | undefined =>
  lock.find((entry) => isSameChart(entry, name))?.sha256;

/** Writes the lock file where it would change. @returns whether it did */
export function writeLock(root: string, entries: readonly LockedChart[]): boolean {
  const charts = entries.map(({ repoURL, chart, version, sha256 }) => ({ repoURL, chart, version, sha256 }));
  // Quoted as YAML 1.1 needs it too, which Helm and Argo CD read.
  const text = `${HEADER}${stringify({ charts }, { version: '1.1', lineWidth: 0 })}`;
  const file = join(root, LOCK);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return false;
  writeFileSync(file, text);
  return true;
}
