import t from 'tap';
import { ACCEPTED_IN_MANIFESTS, differences } from '@gitops/audit/accepted';
import { checkov } from '@gitops/audit/checkov';
import { readClusters } from '@gitops/settings';
import { pythonProblem } from '@gitops/tools/python';
import { renderFleet } from '../../src/render/fleet.ts';
import { placement, renderedOnly } from '../../src/render/rendered.ts';
import { lacksCharts, open, root } from '../helper.ts';

const lacking = lacksCharts();

t.test('checkov finds nothing in the manifests that is not accepted', { skip: pythonProblem ?? false }, async (t) => {
  const { renderer, proofsOf } = await open(t);
  const clusters = readClusters(root).flatMap(({ name, provider }) => (provider === 'aws' ? [name] : []));
  const fleet = renderedOnly(
    await renderFleet(renderer, root, { clusters, capabilities: proofsOf(root).capabilities }),
  );
  const findings = await Promise.all(
    clusters.map(async (name) => {
      const items = fleet.filter(({ cluster }) => cluster.name === name).flatMap((entry) => placement(entry).applied);
      // Definitions are nine tenths of the text, and checkov has no check of them.
      const audited = items.filter(({ kind }) => kind !== 'CustomResourceDefinition');
      // A cluster each: a NetworkPolicy of one says nothing of the pods of another.
      // JSON is YAML; as one list in JSON checkov would pass over it, for the sake of a template in it.
      const yaml = audited.map((object) => JSON.stringify(object)).join('\n---\n');
      return checkov('kubernetes', new Map([[`${name}.yaml`, yaml]]));
    }),
  );
  const { found, stale } = differences(findings.flat(), ACCEPTED_IN_MANIFESTS);
  t.same(found, []);
  if (lacking === false) t.same(stale, []);
  else t.comment(`whether the list of packages/audit is stale stays unchecked: it ${lacking}`);
});
