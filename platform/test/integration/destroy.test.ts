import { existsSync } from 'node:fs';
import t from 'tap';
import { arns, destroyed, LOAD_BALANCER, none } from '../destroyed-cluster.ts';
import type { Answer } from '../fake-programs.ts';

/** An Application gets the finalizer by which it takes along what it deployed. */
const patch = (name: string): string =>
  `kubectl patch application ${name} --type=merge --patch={"metadata":{"finalizers":["resources-finalizer.argocd.argoproj.io"]}}`;

const search = (tag: string): string => `aws resourcegroupstaggingapi get-resources --tag-filters ${tag}`;

/** The nodes that Karpenter added, those that are ended left out. */
const INSTANCES =
  'aws ec2 describe-instances --filters Name=tag:cluster,Values=dev Name=tag-key,Values=karpenter.sh/nodepool ' +
  'Name=instance-state-name,Values=pending,running,shutting-down,stopping,stopped ' +
  '--query Reservations[].Instances[].[InstanceId,Placement.AvailabilityZone]';
/** What the search by tags does not know. */
const BY_NAME = [
  ...['/aws/eks/dev/cluster', '/aws/vpc/dev/flow-logs'].map(
    (group) =>
      `aws logs describe-log-groups --log-group-name-prefix ${group} --query logGroups[?logGroupName=='${group}'].arn`,
  ),
  "aws iam list-roles --query Roles[?starts_with(RoleName, 'gitops-platform.dev.')].Arn",
];

t.test(
  'what runs in a cluster goes before the controllers that must clear up after it, then Argo CD, cluster and network',
  async (t) => {
    const { happened, kubeconfigs, certificate, error } = await destroyed(t);
    t.equal(error, '');
    t.match(kubeconfigs, [/^\/.*\/destroy-[^/]+\/kubeconfig$/], 'one of its own for every call');
    t.equal(kubeconfigs.length, 1);
    t.notOk(existsSync(kubeconfigs[0] ?? ''), 'and gone afterwards');
    t.same(happened, [
      'aws eks describe-cluster --name dev',
      'aws eks update-kubeconfig --name dev --alias dev',
      'kubectl get statefulset argocd-application-controller --output=name',
      'kubectl delete application root --cascade=orphan',
      'kubectl delete applicationset --all --cascade=orphan',
      'kubectl get applications --output=json',
      patch('fastify-service'),
      'kubectl delete application fastify-service',
      'kubectl delete persistentvolumeclaim --all --all-namespaces',
      search('Key=elbv2.k8s.aws/cluster,Values=dev'),
      search('Key=ebs.csi.aws.com/cluster,Values=true Key=cluster,Values=dev'),
      patch('node-pool'),
      'kubectl delete application node-pool',
      INSTANCES,
      ...['aws-load-balancer-controller', 'karpenter'].map(patch),
      'kubectl delete application aws-load-balancer-controller karpenter',
      'tofu destroy dev-argocd',
      'tofu destroy dev-cluster',
      'tofu destroy dev-network',
      ...[
        'Key=cluster,Values=dev',
        'Key=kubernetes.io/cluster/dev',
        'Key=aws:eks:cluster-name,Values=dev',
        'Key=eks:cluster-name,Values=dev',
        'Key=cluster.k8s.amazonaws.com/name,Values=dev',
        'Key=elbv2.k8s.aws/cluster,Values=dev',
        'Key=ebs.csi.aws.com/cluster-name,Values=dev',
      ].map(search),
      ...BY_NAME,
    ]);
    t.match(certificate, { cluster: 'dev', accountId: '111111111111', region: 'us-east-1', found: [] });
  },
);

t.test('it waits until the load balancers are gone', async (t) => {
  const { happened, error } = await destroyed(t, [
    { program: 'aws', to: 'elbv2.k8s.aws/cluster', stdout: arns(LOAD_BALANCER), times: 2 },
  ]);
  t.equal(error, '');
  t.equal(
    happened.slice(0, happened.indexOf('tofu destroy dev-argocd')).filter((call) => call.includes('elbv2')).length,
    3,
  );
});

t.test('what does not go is named, and the controllers and the network stay', async (t) => {
  const { happened, error } = await destroyed(t, [
    { program: 'aws', to: 'elbv2.k8s.aws/cluster', stdout: arns(LOAD_BALANCER) },
  ]);
  t.match(error, `these still exist: ${LOAD_BALANCER}`);
  t.notOk(
    happened.some(
      (call) => call.startsWith('tofu') || call.includes('delete application aws-load-balancer-controller'),
    ),
  );
});

t.test('an Application that does not go stops it', async (t) => {
  const { happened, error } = await destroyed(t, [
    {
      program: 'kubectl',
      to: 'delete application fastify-service',
      code: 1,
      stderr: 'error: timed out waiting for the condition on applications/fastify-service',
    },
  ]);
  t.match(error, /timed out waiting for the condition on applications\/fastify-service/);
  t.notOk(happened.some((call) => call.startsWith('tofu')));
});

const GONE: Answer = {
  program: 'aws',
  to: 'describe-cluster',
  code: 254,
  stderr: 'An error occurred (ResourceNotFoundException)',
};

t.test(
  'without its cluster, deleted before or by hand, it forgets the releases and continues with the rest',
  async (t) => {
    const { happened, error } = await destroyed(t, [GONE]);
    t.equal(error, '');
    t.same(
      happened.filter((call) => !call.includes('get-resources') && !BY_NAME.includes(call)),
      [
        'aws eks describe-cluster --name dev',
        INSTANCES,
        'tofu state rm helm_release.argocd dev-argocd',
        'tofu destroy dev-cluster',
        'tofu destroy dev-network',
      ],
    );
  },
);

t.test(
  'what the controllers of a cluster that is gone left behind is named: nothing deletes it by itself',
  async (t) => {
    const { happened, error } = await destroyed(t, [
      GONE,
      { program: 'aws', to: 'elbv2.k8s.aws/cluster', stdout: arns(LOAD_BALANCER) },
    ]);
    t.equal(error, `the cluster is gone, and what its controllers created is not: ${LOAD_BALANCER}`);
    t.notOk(happened.some((call) => call.startsWith('tofu')));
  },
);

t.test('it waits for the nodes that Karpenter added, and without a cluster it names them', async (t) => {
  const added = { program: 'aws', to: 'describe-instances', stdout: '[["i-1", "us-east-1a"]]' };
  const { happened } = await destroyed(t, [{ ...added, times: 2 }]);
  const until = happened.indexOf('kubectl delete application aws-load-balancer-controller karpenter');
  t.equal(happened.slice(0, until).filter((call) => call === INSTANCES).length, 3);
  const stuck = await destroyed(t, [added]);
  t.match(stuck.error, 'these still exist: i-1');
  t.notOk(stuck.happened.some((call) => call.startsWith('tofu') || call.includes('delete application aws')));
  const gone = await destroyed(t, [GONE, added]);
  t.equal(gone.error, 'the cluster is gone, and what its controllers created is not: i-1');
});

t.test('where Argo CD was deleted by hand, load balancers, volumes and added nodes go without it', async (t) => {
  const { happened, error } = await destroyed(t, [
    { program: 'kubectl', to: 'get statefulset', stdout: '' },
    {
      program: 'kubectl',
      to: 'get crd',
      stdout: 'customresourcedefinition.apiextensions.k8s.io/nodepools.karpenter.sh',
    },
  ]);
  t.equal(error, '');
  t.same(happened.slice(2, happened.indexOf('tofu destroy dev-network') + 1), [
    'kubectl get statefulset argocd-application-controller --output=name',
    'kubectl delete ingress --all --all-namespaces',
    'kubectl delete persistentvolumeclaim --all --all-namespaces',
    search('Key=elbv2.k8s.aws/cluster,Values=dev'),
    search('Key=ebs.csi.aws.com/cluster,Values=true Key=cluster,Values=dev'),
    'kubectl get crd nodepools.karpenter.sh --output=name',
    'kubectl delete nodepool --all',
    INSTANCES,
    'tofu destroy dev-argocd',
    'tofu destroy dev-cluster',
    'tofu destroy dev-network',
  ]);
});

t.test('credentials of another account stop it at once', async (t) => {
  const { happened, error } = await destroyed(t, [
    { program: 'aws', to: 'describe-cluster', code: 254, stderr: 'An error occurred (AccessDeniedException)' },
  ]);
  t.match(error, /AccessDeniedException/);
  t.equal(happened.length, 1);
});

t.test('what is left in the end is named; a key that waits to be deleted costs nothing', async (t) => {
  const volume = 'arn:aws:ec2:us-east-1:111111111111:volume/vol-1';
  const { certificate } = await destroyed(t, [
    { program: 'aws', to: 'Key=ebs.csi.aws.com/cluster-name,Values=dev --output', stdout: none, times: 0 },
    {
      program: 'aws',
      to: 'Key=kubernetes.io/cluster/dev',
      stdout: arns(volume, 'arn:aws:kms:us-east-1:111111111111:key/1'),
    },
  ]);
  t.same(certificate?.found, [volume]);
});

t.test('what AWS made without our tags is found by the marks of its maker', async (t) => {
  const made: readonly (readonly [call: string, arn: string])[] = [
    // EKS wrote once more after the group was deleted, and made it again.
    [
      '--log-group-name-prefix /aws/eks/dev/cluster',
      'arn:aws:logs:us-east-1:111111111111:log-group:/aws/eks/dev/cluster:*',
    ],
    ['list-roles', 'arn:aws:iam::111111111111:role/gitops-platform.dev.nodes'],
    ['Key=aws:eks:cluster-name', 'arn:aws:ec2:us-east-1:111111111111:security-group/sg-1'],
    ['Key=eks:cluster-name', 'arn:aws:ec2:us-east-1:111111111111:instance/i-1'],
    ['Key=cluster.k8s.amazonaws.com/name', 'arn:aws:ec2:us-east-1:111111111111:network-interface/eni-1'],
    ['Key=ebs.csi.aws.com/cluster-name', 'arn:aws:ec2:us-east-1:111111111111:snapshot/snap-1'],
  ];
  const { certificate } = await destroyed(
    t,
    made.map(([to, arn]) => ({
      program: 'aws',
      to,
      stdout: to.startsWith('Key=') ? arns(arn) : JSON.stringify([arn]),
    })),
  );
  t.same(certificate?.found, made.map(([, arn]) => arn).sort());
});
