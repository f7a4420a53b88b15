import { command } from '@gitops/report/command-line';
import { table } from '@gitops/report/table';
import { settingProblem, SettingsError } from '@gitops/settings';
import { type NodeCount, nodeCounts } from '@gitops/settings/nodes';
import { addedNodes } from '@gitops/settings/prices';
import { type Cost, declaredResources, monthlyCosts, totalOf } from '../cost.ts';
import { awsClusters, clusterNamed, clusterOption, readStack, repository, synth } from '../workspace.ts';

const numberOf = ({ group, added }: NodeCount): string => String(group + added);

export default command({
  summary: 'show what each cluster costs a month by list price, against its budget',
  options: { cluster: clusterOption },
  run: async ({ options, json, print }) => {
    const stacks = await synth(options.cluster);
    const wanted = options.cluster === undefined ? awsClusters() : [clusterNamed(options.cluster)];
    const costs = wanted.map((cluster) => {
      const resources = stacks
        .filter((stack) => stack.cluster === cluster.name)
        .flatMap((stack) => declaredResources(readStack(stack)));
      const { controllers } = cluster;
      const costsAt = (nodes: 'least' | 'expected' | 'most'): Cost[] =>
        monthlyCosts(resources, cluster.region, { controllers, added: addedNodes(cluster, nodes) });
      const lines = costsAt('expected');
      return {
        cluster: cluster.name,
        lines,
        least: totalOf(costsAt('least')),
        usd: totalOf(lines),
        most: totalOf(costsAt('most')),
        budget: cluster.budget.monthlyUsd,
        nodes: nodeCounts(cluster),
      };
    });
    if (json) print(JSON.stringify(costs, null, 2));
    else {
      const rows = costs.flatMap(({ cluster, lines, least, usd, most, budget, nodes }) => [
        ...lines.map(({ item, quantity, usd: each }) => [cluster, item, String(quantity), each.toFixed(2)]),
        [cluster, 'total with the least nodes', numberOf(nodes.least), least.toFixed(2)],
        [cluster, `total with the expected nodes, of a budget of ${budget}`, numberOf(nodes.expected), usd.toFixed(2)],
        [cluster, 'total with the most nodes, all month', numberOf(nodes.most), most.toFixed(2)],
      ]);
      print(table(['CLUSTER', 'ITEM', 'QUANTITY', 'USD A MONTH'], rows));
      print(
        '\nList prices of packages/settings/data/prices.json; traffic, logs, volumes and backups are assumed there. Lines that are\n' +
          'no total are of the expected nodes. The nodes of the totals are those of `make capacity`; added ones are of the\n' +
          'cheapest type of nodePool.instanceTypes, and at the most of the dearest.',
      );
    }
    const over = costs.filter(({ usd, budget }) => usd > budget);
    if (over.length > 0)
      throw new SettingsError(
        over.map(({ cluster }) =>
          settingProblem(repository, cluster, ['budget', 'monthlyUsd'], 'is less than the list price of the cluster'),
        ),
      );
  },
});
