import { command } from '@gitops/report/command-line';
import { table } from '@gitops/report/table';
import { nameOf } from '../kubernetes/object.ts';
import { workloads } from '../kubernetes/workload.ts';
import { calledIn, surroundingsOf } from '../proofs/flows.ts';
import { reachability, REACHABILITY_HEADER, reachabilityTable, type Surroundings } from '../proofs/reachability.ts';
import { labelOf } from '../render/fleet.ts';
import { placed, renderedOnly } from '../render/rendered.ts';
import { appOption, clusterOption, fleetOf, selectedFrom, withWorkspace } from './workspace.ts';

type Rendered = ReturnType<typeof renderedOnly>[number];

export default command({
  summary: 'show which connections the NetworkPolicies let through; all others are closed',
  options: { cluster: clusterOption, app: appOption },
  run: async ({ options, json, print }) =>
    withWorkspace(async (workspace) => {
      // Argo CD's own are its chart's, and many: they are shown only when asked for.
      const fleet = await fleetOf(workspace, options);
      const applications = renderedOnly(selectedFrom(fleet, options)).filter(
        (entry) =>
          workloads(placed(entry)).length > 0 &&
          (entry.application.metadata.name !== 'argocd' || options.app !== undefined),
      );
      const surroundings = (entry: Rendered): Surroundings =>
        surroundingsOf(entry, fleet, calledIn(workspace.root, entry));
      print(json ? asJson(applications, surroundings) : asTable(applications, surroundings));
    }),
});

type SurroundingsOf = (entry: Rendered) => Surroundings;

function asJson(applications: readonly Rendered[], surroundings: SurroundingsOf): string {
  const flows = applications.map((entry) => ({
    application: labelOf(entry),
    flows: reachability(placed(entry), surroundings(entry)),
  }));
  return JSON.stringify(flows, null, 2);
}

function asTable(applications: readonly Rendered[], surroundings: SurroundingsOf): string {
  const rows: string[][] = [];
  for (const entry of applications) for (const row of flowsOf(entry, surroundings)) rows.push([labelOf(entry), ...row]);
  return table(['APPLICATION', ...REACHABILITY_HEADER], rows);
}

/** What is open to and from an application; one row where it has no NetworkPolicy. */
function flowsOf(entry: Rendered, surroundings: SurroundingsOf): string[][] {
  const objects = placed(entry);
  if (!objects.some(({ kind }) => kind === 'NetworkPolicy'))
    return [['everything', workloads(objects).map(nameOf).join(', '), 'every port, both ways: no NetworkPolicy', '']];
  const around = surroundings(entry);
  const outside = around.peers.map(({ name }) => name);
  return merged(merged(reachabilityTable(objects, around), { of: 0, by: 1, outside }), { of: 1, by: 0, outside });
}

/**
 * Rows with what is outside of the application, where most of it is treated alike: one row for that, one for each other.
 * @param columns.of the column of the workload
 * @param columns.by the column of what is outside
 */
function merged(
  rows: readonly string[][],
  { of, by, outside }: { readonly of: 0 | 1; readonly by: 0 | 1; readonly outside: readonly string[] },
): string[][] {
  const all: string[][] = [];
  for (const group of Map.groupBy(rows, (row) => row[of]).values()) {
    const open = group.filter((row) => outside.includes(row[by] ?? ''));
    const [most = []] = [...Map.groupBy(open, openOf).values()].sort((a, b) => b.length - a.length);
    const [first] = most;
    if (first === undefined || most.length <= outside.length / 2) {
      all.push(...group);
      continue;
    }
    const closed = outside.filter((name) => !open.some((row) => row[by] === name));
    all.push(
      ...group.filter((row) => !most.includes(row)),
      ...closed.map((name) => first.with(by, name).with(2, 'closed').with(3, '')),
      first.with(by, 'all others outside'),
    );
  }
  return all;
}

const openOf = ([, , open, partly]: readonly string[]): string => `${open} ${partly}`;
