import type { ChartName } from '@gitops/tools/charts';
import { valueFilesOf } from './chart.ts';
import type { FleetApplication } from './fleet.ts';
import { sourcesOf } from './renderer.ts';

// Upstream charts are brought by `make charts`, not by the checks: an Application whose chart is not on this machine
// stays unchecked. It is reported as such, and counts neither as valid nor as invalid.

/** The chart that an Application lacks on this machine; undefined where it can be rendered. */
export const missingChartOf = ({ rendered }: Pick<FleetApplication, 'rendered'>): ChartName | undefined =>
  rendered.ok ? undefined : rendered.missingChart;

/** The values files that an Application reads, whether its chart is on this machine or not. */
export const valueFilesRead = ({ application, chart }: Pick<FleetApplication, 'application' | 'chart'>): string[] =>
  chart === undefined ? sourcesOf(application).flatMap(valueFilesOf) : [...chart.valueFiles];

/** One line with the Applications that stay unchecked, `name (clusters)` each; undefined where all are checked. */
export function uncheckedLine(fleet: readonly FleetApplication[]): string | undefined {
  const clusters = new Map<string, string[]>();
  for (const entry of fleet) {
    if (missingChartOf(entry) === undefined) continue;
    const { name } = entry.application.metadata;
    clusters.set(name, [...(clusters.get(name) ?? []), entry.cluster.name]);
  }
  if (clusters.size === 0) return undefined;
  const names = [...clusters].sort(([a], [b]) => a.localeCompare(b));
  const list = names.map(([name, found]) => `${name} (${found.join(', ')})`).join(', ');
  return `unchecked: ${list} need charts that are not on this machine; run \`make charts\``;
}
