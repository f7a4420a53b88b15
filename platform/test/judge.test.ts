import t from 'tap';
import { judge, type Judgement } from '../src/changes/judge.ts';
import { factsOf, type Plan } from '../src/changes/plan-facts.ts';
import { type Action, readSettingChanges } from '../src/changes/table.ts';

const table = readSettingChanges();

/** A plan of such changes: `ACTION ADDRESS [PATH]`. */
function planOf(...texts: readonly string[]): Plan {
  const actions: Readonly<Record<string, readonly string[]>> = {
    replace: ['delete', 'create'],
    renew: ['create', 'delete'],
  };
  return {
    resource_changes: texts.map((text) => {
      const [action = '', address = '', path = ''] = text.split(' ');
      const nested = (value: string): Record<string, unknown> =>
        path
          .split('.')
          .reduceRight<Record<string, unknown>>(
            (inner, key, index, all) => ({ [key]: index === all.length - 1 ? value : inner }),
            {},
          );
      return {
        address,
        mode: 'managed',
        change: {
          actions: actions[action as Action] ?? [action],
          before: action === 'create' ? null : nested('old'),
          after: action === 'delete' ? null : nested('new'),
          replace_paths: path === '' ? [] : [path.split('.')],
        },
      };
    }),
  };
}

const judged = (changes: readonly string[], accepted: readonly string[] = []): Judgement =>
  judge(factsOf(planOf(...changes)), table, 'dev-cluster', accepted);
const shownBy = (...changes: string[]): string[] => judged(changes).shown.map(({ key }) => key);
const refusedOf = (changes: readonly string[], accepted: readonly string[] = []): string[] =>
  judged(changes, accepted).refused.map(({ key = '', reason, accept = 'never' }) => `${key} ${accept}: ${reason}`);

const TYPE = 'renew aws_eks_node_group.nodes instance_types';
const VERSION = 'update aws_eks_cluster.cluster version';
const UNPROTECTED = 'update aws_eks_cluster.cluster deletion_protection';
const ROLE_GONE = 'delete aws_eks_pod_identity_association.load-balancers-identity';

t.test('settings are recognized by what a plan changes', (t) => {
  t.same(shownBy(TYPE), ['nodeGroup.instanceType']);
  t.same(shownBy('create aws_eks_pod_identity_association.karpenter-identity'), ['controllers']);
  t.same(shownBy('create aws_nat_gateway.nat-us-east-1b'), ['network.natGateways']);
  t.same(shownBy('create aws_nat_gateway.nat-us-east-1c', 'create aws_subnet.public-us-east-1c'), ['network.zones']);
  t.same(shownBy('update helm_release.root values.0'), [], 'which may change with any');
  t.same(judged(['update helm_release.root values.0']).unexplained, []);
  t.end();
});

t.test('what no setting explains is shown, and refused where something goes', (t) => {
  t.equal(judged(['update aws_iam_role.node-role description']).unexplained.length, 1);
  t.same(refusedOf(['update aws_iam_role.node-role description']), []);
  for (const [action, words] of [
    ['delete', 'deleted'],
    ['replace', 'deleted and created anew'],
    ['renew', 'created anew, and the old one deleted'],
  ] as const) {
    const change = `${action} aws_eks_addon.coredns addon_name`;
    const accept = 'dev-cluster/aws_eks_addon.coredns';
    t.same(refusedOf([change]), [` ${accept}: aws_eks_addon.coredns would be ${words}, which no setting explains`]);
    t.same(refusedOf([change], [accept]), []);
    t.equal(refusedOf([change], ['prod-cluster/aws_eks_addon.coredns', 'aws_eks_addon.coredns']).length, 1, 'exactly');
  }
  t.end();
});

t.test('what takes something down is refused unless its setting is accepted', (t) => {
  t.match(refusedOf([ROLE_GONE]), [/^controllers dev-cluster\/controllers: .* apply <cluster>-argocd first/]);
  t.same(refusedOf([ROLE_GONE], ['dev-cluster/controllers']), []);
  const arm64 = [TYPE, 'renew aws_eks_node_group.nodes ami_type'];
  t.match(refusedOf(arm64), [
    /^nodeGroup\.instanceType dev-cluster\/nodeGroup\.instanceType: .*: another architecture runs only images/,
  ]);
  t.same(refusedOf(arm64, ['dev-cluster/nodeGroup.instanceType']), []);
  const gone = ['delete aws_sqs_queue.interruptions', 'delete aws_eks_access_entry.access-added-nodes'];
  t.match(refusedOf(gone), [/^nodePool dev-cluster\/nodePool: .* without its entry a node is lost/]);
  t.end();
});

t.test('what AWS cannot do is refused, whatever is accepted', (t) => {
  for (const [change, key] of [
    ['replace aws_vpc.vpc cidr_block', 'network.cidr'],
    ['renew aws_eks_cluster.cluster encryption_config', 'customerKey'],
    ['delete aws_kms_key.key', 'customerKey'],
    ['replace aws_subnet.private-us-east-1b cidr_block', 'network.zones'],
  ] as const) {
    const found = refusedOf([change, 'replace aws_flow_log.flow-log vpc_id'], [`dev-cluster/${key}`]);
    t.equal(found.length, 1, 'without what follows from it');
    t.match(found, [new RegExp(`^${key} never: `)]);
  }
  t.end();
});

t.test('two changes that would be made in a deadly order are refused together, and each alone is not', (t) => {
  t.match(refusedOf([VERSION, TYPE]), [/^kubernetesVersion never: must not change together with what makes new nodes/]);
  t.match(refusedOf([UNPROTECTED, ROLE_GONE], ['dev-cluster/controllers']), [
    /^deletionProtection never: must not change together with what deletes something/,
  ]);
  for (const alone of [VERSION, TYPE, UNPROTECTED]) t.same(refusedOf([alone]), []);
  t.end();
});
