import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { dashboardProblems, DASHBOARDS } from './dashboards.ts';
import { grafanaJson } from './grafana.ts';

/** Where the files of the dashboards are, from the repository's folder; charts/monitoring makes ConfigMaps of them. */
export const FOLDER = 'charts/monitoring/dashboards';

/** A ConfigMap takes no more, all of its keys and values together. */
export const MOST_BYTES = 1024 * 1024;

/** The content of each file by its name. Throws CommandError with everything that is wrong with the dashboards. */
export function dashboardFiles(): ReadonlyMap<string, string> {
  const problems = dashboardProblems(DASHBOARDS);
  const files = new Map<string, string>();
  for (const [name, dashboard] of problems.length === 0 ? Object.entries(DASHBOARDS) : []) {
    const json = grafanaJson(dashboard);
    const bytes = Buffer.byteLength(json);
    if (bytes >= MOST_BYTES)
      problems.push(`src/dashboards/${name}.ts: its JSON has ${bytes} bytes, a ConfigMap takes ${MOST_BYTES}`);
    files.set(`${name}.json`, json);
  }
  if (problems.length > 0)
    throw new CommandError(
      problems.map((problem) => `packages/monitoring/${problem}`),
      'correct these files and run `make dashboards` again',
    );
  return files;
}

/** Writes the files, and removes those of dashboards that are gone. Returns the names of those that are there. */
export function writeDashboards(root: string): string[] {
  const files = dashboardFiles();
  const folder = join(root, FOLDER);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(join(folder, name));
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
  return [...files.keys()].map((name) => `${FOLDER}/${name}`);
}
