import { command } from '@gitops/report/command-line';
import { table } from '@gitops/report/table';
import { capacity, CAPACITY_HEADER, CAPACITY_LEGEND, capacityTable } from '../proofs/capacity.ts';
import { clusterModels } from '../proofs/cluster-model.ts';
import { clusterOption, selected, withWorkspace } from './workspace.ts';

export default command({
  summary: 'show whether each cluster holds its pods, on an ordinary day and on the worst one',
  options: { cluster: clusterOption },
  without: { app: 'it always counts the pods of every application of a cluster' },
  run: async ({ options, json, print }) =>
    withWorkspace(async (workspace) => {
      const clusters = clusterModels(await selected(workspace, options, 'their pods are not counted'));
      if (json) {
        const outlooks = clusters.flatMap(({ cluster, objects }) => capacity(cluster, objects) ?? []);
        print(JSON.stringify(outlooks, null, 2));
        return;
      }
      const rows = clusters.flatMap(({ cluster, objects }) => capacityTable(cluster, objects));
      print(table(CAPACITY_HEADER, rows));
      print(`\n${CAPACITY_LEGEND}`);
    }),
});
