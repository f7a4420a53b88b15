import t from 'tap';
import { ACCEPTED_IN_MANIFESTS, differences } from '@gitops/audit/accepted';
import { checkov } from '@gitops/audit/checkov';
import { readClusters } from '@gitops/settings';
import { pythonProblem } from '@gitops/tools/python';
import { namespaceOf } from '../../src/kubernetes/namespace.ts';
import { type KubernetesObject, nameOf } from '../../src/kubernetes/object.ts';
import { selects } from '../../src/kubernetes/selector.ts';
import { podLabelsOf, podOwners, podSpecOf } from '../../src/kubernetes/workload.ts';
import { isNetworkPolicy } from '../../src/proofs/reachability/policies.ts';
import { renderFleet } from '../../src/render/fleet.ts';
import { placed, placement, renderedOnly } from '../../src/render/rendered.ts';
import { lacksCharts, open, root } from '../helper.ts';

const lacking = lacksCharts();
const { renderer, proofsOf } = await open(t);
const clusters = readClusters(root).flatMap(({ name, provider }) => (provider === 'aws' ? [name] : []));
const fleet = renderedOnly(await renderFleet(renderer, root, { clusters, capabilities: proofsOf(root).capabilities }));

t.test('checkov finds nothing in the manifests that is not accepted', { skip: pythonProblem ?? false }, async (t) => {
  const files = clusters.map((name): [file: string, yaml: string] => {
    const items = fleet.filter(({ cluster }) => cluster.name === name).flatMap((entry) => placement(entry).applied);
    // Definitions are nine tenths of the text, and checkov has no check of them.
    const audited = items.filter(({ kind }) => kind !== 'CustomResourceDefinition');
    // JSON is YAML; as one list in JSON checkov would pass over it, for the sake of a template in it.
    return [`${name}.yaml`, audited.map((object) => JSON.stringify(object)).join('\n---\n')];
  });
  const findings = await checkov('kubernetes', new Map(files));
  const { found, stale } = differences(findings, ACCEPTED_IN_MANIFESTS);
  t.same(found, []);
  if (lacking === false) t.same(stale, []);
  else t.comment(`whether the list of packages/audit is stale stays unchecked: it ${lacking}`);
});

// checkov asks for it too (CKV2_K8S_6), and takes the policy of any namespace for one of all pods.
t.test('NetworkPolicies say who may call each pod, but for those on the network of their node', (t) => {
  for (const name of clusters) {
    const objects = fleet.filter(({ cluster }) => cluster.name === name).flatMap(placed);
    const owners = podOwners(objects);
    const open = owners.filter((owner) => podSpecOf(owner).hostNetwork !== true && !isClosed(objects, owner));
    t.ok(owners.length > (lacking === false ? 10 : 1), `${name}: ${owners.length} workloads`);
    t.same(
      open.map((owner) => `${namespaceOf(owner)} ${nameOf(owner)}`),
      [],
      name,
    );
  }
  t.end();
});

/** Whether a policy of their namespace selects the pods of a workload, so that they take no other calls than it allows. */
const isClosed = (objects: readonly KubernetesObject[], owner: KubernetesObject): boolean =>
  objects.some(
    (object) =>
      isNetworkPolicy(object) &&
      namespaceOf(object) === namespaceOf(owner) &&
      object.spec?.policyTypes?.includes('Ingress') === true &&
      selects(object.spec.podSelector ?? {}, podLabelsOf(owner)),
  );
