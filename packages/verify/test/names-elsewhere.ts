/** Names in documents that the tree does not have, each group with where they are. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'what a reader of a guide creates':
    'clusters/sandbox clusters/sandbox/argocd.yaml clusters/sandbox/cluster.yaml clusters/sandbox/fastify-service.yaml ' +
    'clusters/sandbox/*.bak clusters/production/fastify-service.yaml.bak services/orders',
  'what programs write, and Git ignores or does not have yet':
    'dist/ .json platform/state/ platform/.terraform.lock.hcl service/grafana',
  'packages of others': '@cdktf/provider-aws/lib/vpc/index.js',
  'names of Kubernetes, Argo CD, Fastify and CDKTF, which decisions speak of':
    'impersonatedUser onResponse collectDefaultMetrics retryEAGAIN setApplicationHealth targetVersions',
  'what on-call reads in kubectl, and upstream alerts':
    'SchedulingDisabled NotReady KubeNodeNotReady ErrImagePull providerID SecretSynced SecretSyncedError NodeFilesystemAlmostOutOfSpace',
  'errors of AWS and of Karpenter, which on-call reads in a log':
    'InsufficientCapacityError NodeClassNotReadyError UnauthorizedOperation VcpuLimitExceeded',
  'examples of an option and of a slip': 'dryRun LOG_LEVL',
};
