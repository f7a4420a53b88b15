import t from 'tap';
import { clusterFacts, previewURL, readCluster, rootValues } from '../src/settings.ts';
import { append, replace, repository } from './cluster-fixtures.ts';

const MADE = {
  vpcId: 'vpc-1',
  interruptionQueue: 'dev-interruptions',
  nodeInstanceProfile: 'gitops-platform.dev.added-nodes',
  nodeImage: '/aws/service/eks/optimized-ami/1.36/image_id',
  nodeSecurityGroup: 'sg-1',
};

t.test('clusters on AWS share a registry, and their load balancers are in the public subnets', (t) => {
  const dev = readCluster(repository(t), 'dev');
  t.same(clusterFacts(dev), {
    labels: {
      'argocd.argoproj.io/secret-type': 'cluster',
      cluster: 'dev',
      'metrics-server': 'enabled',
      argocd: 'enabled',
    },
    annotations: {
      repoURL: 'https://github.com/example/gitops-platform.git',
      repoRevision: 'main',
      imageRegistry: '999999999999.dkr.ecr.us-east-1.amazonaws.com',
      loadBalancerCidrs: '{10.0.128.0/24,10.0.129.0/24}',
      // t3.medium as spot for 730 hours, and 20 GiB of gp3.
      nodeMonthlyUsd: '13.75',
      fixedMonthlyUsd: '115.65',
      monthlyBudgetUsd: '200.00',
      region: 'us-east-1',
      vpcId: 'vpc-00000000000000000',
    },
  });
  t.match(clusterFacts(dev, { aws: MADE }).annotations, { vpcId: 'vpc-1', nodeImage: undefined });
  t.end();
});

t.test('Karpenter learns what the platform made for it, where it runs', (t) => {
  const pool = { instanceTypes: ['t3.medium'], capacityTypes: ['spot'], expectedNodes: 0, maxCpus: 2 };
  const folder = repository(t, {
    dev: append(`nodePool: ${JSON.stringify(pool)}`),
    shared: replace('[metrics-server]', '[karpenter]'),
  });
  const dev = readCluster(folder, 'dev');
  t.match(clusterFacts(dev, { aws: MADE }).annotations, MADE);
  t.match(clusterFacts(dev).annotations, { nodeImage: /\/unknown\/image_id$/, nodeSecurityGroup: /^sg-/ });
  t.end();
});

t.test('a cluster with previews says so, with where its pull requests are, and where their token is', (t) => {
  const folder = repository(t, {
    dev: append('previews: { domain: preview.example.com }'),
    shared: replace('[metrics-server]', '[aws-load-balancer-controller, external-secrets]'),
  });
  const dev = readCluster(folder, 'dev');
  const { labels, annotations } = clusterFacts(dev);
  t.equal(labels.previews, 'enabled');
  t.match(annotations, {
    ...{ gitHubOwner: 'example', gitHubRepository: 'gitops-platform', previewDomain: 'preview.example.com' },
  });
  t.equal(previewURL(dev, '12'), 'http://pr-12.preview.example.com');
  const values = {
    cluster: 'dev',
    repoURL: 'https://github.com/example/gitops-platform.git',
    revision: 'main',
  };
  t.same(rootValues(clusterFacts(dev)), { ...values, previewToken: 'dev/github-pull-requests' });
  const without = readCluster(repository(t), 'dev');
  t.same(rootValues(clusterFacts(without)), values);
  t.equal(previewURL(without, '12'), undefined);
  t.end();
});

t.test('the registry of a local cluster never resolves, and its load balancer is this machine', (t) => {
  const local = readCluster(repository(t), 'local');
  t.same(clusterFacts(local, { repoURL: 'http://127.0.0.1:1/x.git' }), {
    labels: { 'argocd.argoproj.io/secret-type': 'cluster', cluster: 'local' },
    annotations: {
      repoURL: 'http://127.0.0.1:1/x.git',
      repoRevision: 'main',
      imageRegistry: 'registry.internal',
      loadBalancerCidrs: '{127.0.0.0/8}',
      nodeMonthlyUsd: 'none',
      fixedMonthlyUsd: 'none',
      monthlyBudgetUsd: 'none',
    },
  });
  t.end();
});
