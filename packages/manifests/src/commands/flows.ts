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
  if (objects.some(({ kind }) => kind === 'NetworkPolicy')) return reachabilityTable(objects, surroundings(entry));
  return [['everything', workloads(objects).map(nameOf).join(', '), 'every port, both ways: no NetworkPolicy', '']];
}
