import t from 'tap';
import { ACCEPTED_IN_PLANS, differences } from '@gitops/audit/accepted';
import { checkov } from '@gitops/audit/checkov';
import { readClusters } from '@gitops/settings';
import { pythonProblem } from '@gitops/tools/python';
import { monthlyCosts, plannedResources, type Resource, totalOf } from '../../src/cost.ts';
import { openPlatform, outputOf, type Platform, repository, terraform } from '../platform-in-tests.ts';
import { SimulatedAws, type Thing } from '../simulated-aws/cloud.ts';
import type { Operation } from '../simulated-aws/operations.ts';
import type { Values } from '../simulated-aws/values.ts';

const CLUSTERS = ['dev', 'staging', 'production'];
/** The plans of all stacks as JSON, for the audit below. */
const plans = new Map<string, string>();

/** What is left of a cluster. */
const ofCluster = ({ cloud }: Platform, cluster: string): string[] =>
  cloud
    .things()
    .filter(({ values }) => (values.tags_all as Record<string, string> | null)?.cluster === cluster)
    .map(({ type, id }) => `${type} ${id}`);

for (const program of [undefined, ...(terraform === undefined ? [] : [terraform])]) {
  t.test(
    `every stack is valid, applied in order, then as planned, and destroyed: ${program ?? 'OpenTofu'}`,
    async (t) => {
      // The one setting that prevents its deletion, on purpose.
      const platform = await openPlatform(
        t,
        () => true,
        [['production', 'deletionProtection: true', 'deletionProtection: false']],
        new SimulatedAws(),
        program,
      );
      const planned = new Map<string, Resource[]>();
      for (const { name, cluster = '' } of platform.stacks) {
        const engine = platform.engine(name);
        for (const [step, code, ...args] of [
          ['init', 0],
          ['validate', 0],
          ['plan', 2, '-out=plan'],
          ['apply', 0, 'plan'],
          ['plan', 0],
        ] as const) {
          const run = await engine[step](...args);
          t.equal(run.code, code, `${name} ${step}${run.code === code ? '' : outputOf(run)}`);
          if (args[0] !== '-out=plan') continue;
          const { output } = await engine.run('show', '-json', 'plan');
          if (program === undefined) plans.set(`${name}.json`, output);
          const resources = plannedResources(JSON.parse(output) as Parameters<typeof plannedResources>[0]);
          planned.set(cluster, [...(planned.get(cluster) ?? []), ...resources]);
        }
      }
      for (const cluster of CLUSTERS) t.ok(ofCluster(platform, cluster).length > 40, cluster);
      for (const cluster of readClusters(repository)) {
        if (cluster.provider !== 'aws') continue;
        const total = totalOf(monthlyCosts(planned.get(cluster.name) ?? [], cluster.region, cluster));
        t.ok(
          total > 100 && total <= cluster.budget.monthlyUsd,
          `${cluster.name}: the plans list for ${total.toFixed(0)} of ${cluster.budget.monthlyUsd} dollars a month`,
        );
      }
      t.same(
        platform.cloud.things('aws_cloudwatch_log_group').filter(({ values }) => values.unmanaged === true),
        [],
        'EKS made no log group by itself',
      );

      for (const { name, cluster } of platform.stacks.toReversed()) {
        const run = await platform.engine(name).destroy();
        if (cluster === undefined)
          t.match(
            run,
            { code: 1, errors: [/^(Resource i|I)nstance cannot be destroyed$/] },
            `${name} stays, whatever is typed`,
          );
        else t.equal(run.code, 0, `${name} destroy${run.code === 0 ? '' : outputOf(run)}`);
      }
      for (const cluster of CLUSTERS) t.same(ofCluster(platform, cluster), [], `nothing of ${cluster} is left`);
      t.equal(platform.cloud.things('aws_s3_bucket').length, 3);
      t.equal(platform.cloud.things('aws_ecr_repository').length, 2, 'images of releases and of previews');
    },
  );
}
t.test(
  'checkov finds nothing in the plans that is not accepted, with its reason',
  { skip: pythonProblem ?? false },
  async (t) => {
    t.same(differences(await checkov('terraform_plan', plans), ACCEPTED_IN_PLANS), { found: [], stale: [] });
  },
);

if (terraform === undefined) t.comment("Terraform is not on the PATH: the round above was OpenTofu's alone");

t.test('what needs another comes after it, and goes before it', async (t) => {
  const platform = await openPlatform(t, ({ name }) => name === 'bootstrap-111111111111' || name.startsWith('dev-'));
  // Slow ones show what does not wait for them.
  Object.assign(platform.cloud.faults, {
    delays: {
      aws_internet_gateway: 150,
      aws_cloudwatch_log_group: 100,
      aws_iam_role_policy_attachment: 100,
      aws_eks_access_policy_association: 100,
      aws_eks_pod_identity_association: 100,
    },
  });
  const names = platform.stacks.map(({ name }) => name);
  await platform.apply(...names);

  const of = (operation: Operation['operation'], type: string, part = ''): Operation[] =>
    platform.cloud.timeline.filter(
      (entry) => entry.operation === operation && entry.type === type && entry.id.includes(part),
    );
  const pairs: [earlier: [type: string, part?: string], later: [type: string, part?: string]][] = [
    [['aws_internet_gateway'], ['aws_nat_gateway']],
    [['aws_internet_gateway'], ['aws_eip']],
    [['aws_cloudwatch_log_group', '/aws/eks'], ['aws_eks_cluster']],
    [['aws_iam_role_policy_attachment', 'dev.cluster'], ['aws_eks_cluster']],
    [['aws_iam_role_policy_attachment', 'dev.nodes'], ['aws_eks_node_group']],
    [['aws_eks_pod_identity_association'], ['aws_eks_addon', 'vpc-cni']],
    [['aws_eks_addon', 'vpc-cni'], ['aws_eks_node_group']],
    [['aws_eks_addon', 'kube-proxy'], ['aws_eks_node_group']],
    [['aws_eks_node_group'], ['aws_eks_addon', 'coredns']],
    [['aws_eks_node_group'], ['aws_eks_addon', 'aws-ebs-csi-driver']],
    [
      ['aws_eks_access_policy_association', 'deploy-dev'],
      ['helm_release', 'argocd'],
    ],
    [
      ['helm_release', 'argocd'],
      ['helm_release', 'root'],
    ],
  ];
  const inOrder = (operation: 'create' | 'delete', first: Operation[], second: Operation[], name: string): void => {
    t.ok(first.length > 0 && second.length > 0, `${name}: both were there`);
    t.ok(
      Math.max(...first.map(({ ended }) => ended)) < Math.min(...second.map(({ began }) => began)),
      `${operation}: ${name}`,
    );
  };
  for (const [earlier, later] of pairs)
    inOrder(
      'create',
      of('create', ...earlier),
      of('create', ...later),
      `${earlier.join(' ')} before ${later.join(' ')}`,
    );

  for (const name of names.filter((name) => name.startsWith('dev-')).reverse())
    t.equal((await platform.engine(name).destroy()).code, 0, name);
  for (const [earlier, later] of pairs)
    inOrder(
      'delete',
      of('delete', ...later),
      of('delete', ...earlier),
      `${later.join(' ')} before ${earlier.join(' ')}`,
    );
});

t.test('a cluster stack says that its network is missing, before anything is made', async (t) => {
  const platform = await openPlatform(t, ({ name }) => name === 'bootstrap-111111111111' || name === 'dev-cluster');
  await platform.apply('bootstrap-111111111111');
  const before = platform.cloud.operations;
  await platform.engine('dev-cluster').init();
  const run = await platform.engine('dev-cluster').apply();
  t.equal(run.code, 1);
  t.match(
    run.output.replace(/\s+/g, ' '),
    /The network of dev lacks a private subnet in each of its 2 zones; apply dev-network first\./,
  );
  t.equal(platform.cloud.operations, before);
});

t.test('a protected cluster is not deleted, and resources outside the stacks keep its network', async (t) => {
  const platform = await openPlatform(t, ({ name }) => name === 'bootstrap-111111111111' || name.startsWith('dev-'), [
    ['dev', 'deletionProtection: false', 'deletionProtection: true'],
  ]);
  await platform.apply(...platform.stacks.map(({ name }) => name));
  const caller = { accountId: '111111111111', region: 'us-east-1', defaultTags: {} };

  t.match((await platform.engine('dev-cluster').destroy()).errors, [
    'InvalidRequestException: cluster dev has deletion protection',
  ]);
  t.equal(platform.cloud.things('aws_eks_cluster').length, 1);

  const [vpc] = platform.cloud.things('aws_vpc');
  const [subnet] = platform.cloud
    .things('aws_subnet')
    .filter(({ values }) => (values.tags as Record<string, string>).tier === 'public');
  platform.cloud.plant(
    'network_interface',
    { id: 'eni-alb', vpc_id: vpc?.id, subnet_id: subnet?.id, public: true, description: 'ELB app/k8s-fastify' },
    caller,
  );
  const errors = (await platform.engine('dev-network').destroy()).errors.join('\n');
  t.match(errors, /DependencyViolation: The subnet '.*' has dependencies and cannot be deleted: ELB app\/k8s-fastify/);
});

t.test('a change by hand shows in the plan and is undone by the next apply', async (t) => {
  const platform = await openPlatform(t, ({ name }) =>
    ['bootstrap-111111111111', 'dev-network', 'dev-cluster'].includes(name),
  );
  await platform.apply(...platform.stacks.map(({ name }) => name));
  const only = (type: string): Thing => {
    const [thing, ...more] = platform.cloud.things(type);
    if (thing === undefined || more.length > 0) throw new Error(`not one ${type}`);
    return thing;
  };
  const drift = async (stack: string, changes: string[]): Promise<void> => {
    const plan = await platform.engine(stack).plan();
    t.same(
      [plan.code, ...plan.output.matchAll(/^ +# (\S+ (?:will|must) be .*)$/gm)].map((line) =>
        Array.isArray(line) ? line[1] : line,
      ),
      [changes.length === 0 ? 0 : 2, ...changes],
    );
    t.equal((await platform.engine(stack).apply()).code, 0);
    t.equal((await platform.engine(stack).plan()).code, 0, 'and then it is as planned');
  };

  const cluster = only('aws_eks_cluster');
  const [access] = cluster.values.vpc_config as [Values];
  cluster.values = { ...cluster.values, vpc_config: [{ ...access, public_access_cidrs: ['0.0.0.0/0'] }] };
  await drift('dev-cluster', ['aws_eks_cluster.cluster will be updated in-place']);
  t.same(
    (cluster.values.vpc_config as [Values])[0].public_access_cidrs,
    ['203.0.113.0/24'],
    'the Kubernetes API is closed to the world again',
  );

  for (const route of platform.cloud.things('aws_route').filter(({ values }) => values.nat_gateway_id))
    platform.cloud.remove(route);
  await drift('dev-network', [
    'aws_route.private-to-nat-us-east-1a will be created',
    'aws_route.private-to-nat-us-east-1b will be created',
  ]);

  const nodes = only('aws_eks_node_group');
  const [scaling] = nodes.values.scaling_config as [Values];
  nodes.values = { ...nodes.values, scaling_config: [{ ...scaling, desired_size: 3 }] };
  await drift('dev-cluster', ['aws_eks_node_group.nodes will be updated in-place']);
  t.equal((nodes.values.scaling_config as [Values])[0].desired_size, 2);
});
