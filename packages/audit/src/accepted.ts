import type { Finding } from './checkov.ts';

/** Findings that stay. */
export interface Accepted {
  /** checkov's checks. */
  readonly checks: readonly string[];
  /** Where they may fail, as Finding has places; `*` is any text. */
  readonly places: readonly string[];
  readonly reason: string;
}

/** Of the plans of the stacks; a place begins with the name of the stack. */
export const ACCEPTED_IN_PLANS: readonly Accepted[] = [
  {
    checks: ['CKV_AWS_136'],
    places: ['registry/aws_ecr_repository.*'],
    reason:
      'ECR encrypts them with a key of its own (AES-256). Another key is another repository: the images that production ' +
      'runs would go with the old one, which prevent_destroy refuses. And a key of ours that is disabled by mistake ' +
      'would stop every pull of every cluster.',
  },
  {
    checks: ['CKV_AWS_51'],
    places: ['registry/aws_ecr_repository.fastify-service'],
    reason:
      'Tags are immutable but for those that say what an environment runs (retention.ts), which are moved; clusters pull by digest. The check does not know exclusions.',
  },
  {
    checks: ['CKV_AWS_163'],
    places: ['registry/aws_ecr_repository.*'],
    reason:
      'Scanned on push by the registry (EcrRegistryScanningConfiguration); the setting by repository is deprecated.',
  },
  {
    checks: ['CKV_AWS_144'],
    places: ['bootstrap-*/aws_s3_bucket.state'],
    reason:
      'The state of one region is of no use in another while that region is down. It is versioned, and `make apply` finds ' +
      'again what exists.',
  },
  {
    checks: ['CKV2_AWS_62'],
    places: ['bootstrap-*/aws_s3_bucket.state'],
    reason: 'Nothing acts on a change of the state; who changed it is in CloudTrail.',
  },
  {
    checks: ['CKV_AWS_338'],
    places: ['*-network/aws_cloudwatch_log_group.flow-logs', '*-cluster/aws_cloudwatch_log_group.logs'],
    reason: 'How long logs stay is a setting, logRetentionDays: a year costs, and no rule here asks for it.',
  },
  {
    checks: ['CKV_AWS_158'],
    places: ['*-network/aws_cloudwatch_log_group.flow-logs'],
    reason:
      'Addresses and ports of refused connections, encrypted with a key of AWS. The key of the cluster is part of its ' +
      'stack, which is applied after the network.',
  },
  {
    checks: ['CKV_AWS_58', 'CKV_AWS_149', 'CKV_AWS_158', 'CKV_AWS_166'],
    places: ['dev-cluster/*', 'staging-cluster/*'],
    reason:
      'Encrypted with keys of AWS: customerKey is false there, for a dollar a month. Production has a key of its own.',
  },
  {
    checks: ['CKV2_AWS_57'],
    places: ['*-cluster/aws_secretsmanager_secret.*'],
    reason:
      'Tokens and addresses of other systems, which AWS cannot renew. Their owners put new ones in, and External Secrets ' +
      'copies them within the hour.',
  },
  {
    checks: ['CKV_AWS_39'],
    places: ['*-cluster/aws_eks_cluster.cluster'],
    reason:
      'Open to the networks in api.publicCidrs alone, which may not be all of the internet; with an empty list it is ' +
      'closed. CI and people would then need a way into the VPC.',
  },
  {
    checks: ['CKV_AWS_339'],
    places: ['*-cluster/aws_eks_cluster.cluster'],
    reason:
      "checkov's list is older than the version; data/eks-versions.json has the ends of support, and a test reads it.",
  },
  {
    checks: ['CKV_AWS_290', 'CKV_AWS_355'],
    places: ['*-cluster/aws_iam_role_policy.load-balancers-role-policy'],
    reason:
      'The policy that the project of the load balancer controller publishes, unchanged. Most of its rights to write are ' +
      'bound to the tag of the cluster; those that are not have no resource that could be named. Its role is tied to one ' +
      'service account, and within the boundary.',
  },
];

const OF_UPSTREAM = ['argocd', 'aws-load-balancer-controller', 'external-secrets', 'metrics-server', 'monitoring'];
const upstream = (kind: string): string[] => OF_UPSTREAM.map((namespace) => `*/${kind}.${namespace}.*`);

/** Of the manifests of the clusters; a place begins with the name of the cluster. */
export const ACCEPTED_IN_MANIFESTS: readonly Accepted[] = [
  {
    checks: ['CKV_K8S_11'],
    places: ['*'],
    reason:
      'No limits of CPU on purpose: a limit throttles a pod while its node is idle, and a request already keeps its share.',
  },
  {
    checks: ['CKV_K8S_43'],
    places: [...upstream('Deployment'), '*/DaemonSet.monitoring.node-exporter', '*/StatefulSet.argocd.*'],
    reason:
      'The version of the chart is pinned and names the tag, and its archive is compared with a sum (charts.lock.yaml). ' +
      'These charts name no digest (that of Karpenter does); one in our values would have to be asked of each registry at every upgrade.',
  },
  {
    checks: ['CKV_K8S_15'],
    places: [...upstream('Deployment'), '*/DaemonSet.monitoring.node-exporter', '*/StatefulSet.argocd.*'],
    reason: 'Tags of releases, which are not moved. Always would make the start of a pod depend on a registry.',
  },
  {
    checks: ['CKV_K8S_15', 'CKV_K8S_43'],
    places: ['dev/Deployment.preview-1.fastify-service'],
    reason: 'The tag of a preview is a commit, and its repository lets no tag be moved (IMMUTABLE).',
  },
  {
    checks: ['CKV_K8S_38'],
    places: [
      ...upstream('Deployment'),
      '*/Deployment.karpenter.karpenter',
      '*/StatefulSet.argocd.argocd-application-controller',
    ],
    reason: 'They use the Kubernetes API. Those that do not, Redis and the repo-server of Argo CD, have no token.',
  },
  {
    checks: ['CKV_K8S_40'],
    places: [...upstream('Deployment'), '*/StatefulSet.argocd.argocd-application-controller'],
    reason: 'The users of their images, none of them root: with another one their files are not theirs.',
  },
  {
    checks: ['CKV_K8S_29'],
    places: [
      '*/Deployment.argocd.*',
      '*/Deployment.external-secrets.*',
      '*/Deployment.metrics-server.*',
      '*/StatefulSet.argocd.argocd-application-controller',
    ],
    reason:
      'Their containers have a security context, each for itself; the check asks for one of the pod. Their namespaces ' +
      'admit no pod without (Pod Security: restricted).',
  },
  {
    checks: ['CKV_K8S_35'],
    places: ['*/Deployment.argocd.*', '*/StatefulSet.argocd.*', '*/Deployment.monitoring.grafana'],
    reason: 'Their charts pass the password of Redis, and that of the admin, as variables, and have no other way.',
  },
  {
    checks: ['CKV_K8S_8'],
    places: ['*/StatefulSet.argocd.argocd-application-controller', '*/Deployment.monitoring.grafana'],
    reason:
      'Argo CD gives its controller none: a long reconciliation is no reason to start again. Of Grafana it is the ' +
      'sidecar that lacks them; without it dashboards stay as they are.',
  },
  {
    checks: ['CKV_K8S_9'],
    places: ['*/Deployment.monitoring.grafana', '*/Deployment.external-secrets.external-secrets'],
    reason:
      'Of Grafana it is the sidecar, which nobody calls; the chart of External Secrets has none, and nobody calls it.',
  },
  {
    checks: ['CKV_K8S_22'],
    places: ['*/Deployment.monitoring.grafana'],
    reason: "Grafana writes beside its volume, and upstream's chart makes no room for that.",
  },
  {
    checks: ['CKV_K8S_17', 'CKV_K8S_19', 'CKV_K8S_20', 'CKV_K8S_28', 'CKV_K8S_31', 'CKV_K8S_37'],
    places: ['*/DaemonSet.monitoring.node-exporter'],
    reason: 'It reports on the node and reads its processes and network, as no other pod may.',
  },
  {
    checks: ['CKV2_K8S_5'],
    places: ['*/RoleBinding.monitoring.grafana'],
    reason:
      'Secrets of its own namespace alone; the chart has the rule for sidecars that load data sources from Secrets.',
  },
  {
    checks: ['CKV_K8S_49', 'CKV_K8S_155', 'CKV_K8S_156', 'CKV_K8S_157', 'CKV_K8S_158'],
    places: [
      '*/ClusterRole.default.argocd-application-controller',
      '*/ClusterRole.default.argocd-server',
      '*/ClusterRole.default.kps-operator',
    ],
    reason:
      'Argo CD applies whatever Git has, and its projects say what that may be. The operator of Prometheus has a star ' +
      'for its own kinds alone.',
  },
];

const isAt = (place: string, pattern: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\*', '.*')}$`).test(place);

/** How findings differ from a list of accepted ones, in both directions; nothing where they agree. */
export function differences(
  findings: readonly Finding[],
  accepted: readonly Accepted[],
): { readonly found: string[]; readonly stale: string[] } {
  const isAccepted = ({ check, place }: Finding): boolean =>
    accepted.some(({ checks, places }) => checks.includes(check) && places.some((pattern) => isAt(place, pattern)));
  const stale: string[] = [];
  for (const { checks, places } of accepted) {
    for (const check of checks)
      if (!findings.some((finding) => finding.check === check && places.some((place) => isAt(finding.place, place))))
        stale.push(`${check} fails at none of ${places.join(', ')}`);
    for (const place of places)
      if (!findings.some((finding) => checks.includes(finding.check) && isAt(finding.place, place)))
        stale.push(`${place} fails none of ${checks.join(', ')}`);
  }
  const found = findings
    .filter((finding) => !isAccepted(finding))
    .map(({ check, demands, place }) => `${place}: ${demands} (${check})`);
  return { found: [...new Set(found)].sort(), stale };
}
