import type { Mistake } from './slip.ts';
import { after, at, before, dev, inFile, production, replace, shared } from './slip.ts';

const settings = 'clusters/production/cluster.yaml';

export const NUMBERS: readonly Mistake[] = [
  // Numbers that do not fit together
  inFile(production, {
    'as many pods at least as at most': replace('maxReplicas: 6', 'maxReplicas: 3').reports(
      /autoscaling\.maxReplicas: must be greater .*maxReplicas 3, minReplicas 3/,
    ),
    'a budget for an autoscaler that goes down to one': replace('minReplicas: 3', 'minReplicas: 1').reportsAs(
      /podDisruptionBudget\.enabled: needs two pods.*autoscaling\.minReplicas 1/,
    ),
    'readiness longer than the deadline': before('zoneSpread:', 'rollout:\n  minReadySeconds: 200').reports(
      /rollout\.minReadySeconds: must be less than/,
    ),
    'a deadline shorter than a start': before('zoneSpread:', 'rollout:\n  progressDeadlineSeconds: 35').reports(
      /rollout\.progressDeadlineSeconds: must be greater than/,
    ),
    'a shutdown longer than a spot instance’s notice': before(
      'zoneSpread:',
      'shutdown:\n  preStopSeconds: 108',
    ).reports(/shutdown\.preStopSeconds: .*110 s/),
    'deregistration shorter than the drain': after('  deletionProtection: true', '  deregistrationSeconds: 5').reports(
      /ingress\.deregistrationSeconds: must lie between/,
    ),
    'deregistration longer than the pod lives': after(
      '  deletionProtection: true',
      '  deregistrationSeconds: 300',
    ).reports(/ingress\.deregistrationSeconds: must lie between/),
    'an Ingress and an HTTPRoute': before(
      'zoneSpread:',
      'httpRoute:\n  enabled: true\n  gateway: {name: public, namespace: gateway-system}',
    ).reportsAs(/ingress\.enabled: exactly one of/),
    'an ExternalSecret without its store': before('zoneSpread:', 'externalSecret:\n  enabled: true').reportsAs(
      /externalSecret\.(store|key): /,
    ),
    'more pods than the nodes hold without a zone': replace('maxReplicas: 6', 'maxReplicas: 60').reportsAs(
      at(settings, /nodePool\.maxCpus: .*cannot be scheduled: short of \d+m CPU/),
    ),
    'pods larger than a node': replace('memory: 512Mi', 'memory: 8192Mi').reportsAs(
      at(settings, /nodePool\.maxCpus: .*short of \d+ MiB memory/),
    ),
    'a way out to the instance metadata': before(
      'zoneSpread:',
      'networkPolicy:\n  egress: {metadata: {cidrs: [169.254.169.254/32], port: 80}}',
    ).reports(/networkPolicy\.egress\.metadata\.cidrs\.0: .*metadata service/),
    'a network that begins in the middle': before('zoneSpread:', 'networkPolicy:\n  dnsCidrs: [10.0.0.5/24]').reports(
      /networkPolicy\.dnsCidrs\.0: .*first address/,
    ),
    'a way out without its port': before(
      'zoneSpread:',
      'networkPolicy:\n  egress: {payments: {cidrs: [203.0.113.0/24]}}',
    ).reports(/networkPolicy\.egress\.payments\.port: missing/),
    'a way out without a name': before(
      'zoneSpread:',
      'networkPolicy:\n  egress: [{cidr: 203.0.113.0/24, port: 443}]',
    ).reports(/networkPolicy\.egress: /),
    'a wildcard within a host': before('zoneSpread:', 'additionalHosts: ["api.*.example.com"]').reports(
      /additionalHosts\.0: must be a DNS name/,
    ),
    'a host twice': before('zoneSpread:', 'additionalHosts: [fastify-service.production.example.com]').reports(
      /additionalHosts: must not repeat host/,
    ),
    'a setting that has a value of its own': before('zoneSpread:', 'environment: {LOG_LEVEL: debug}').reports(
      /environment\.LOG_LEVEL: must not be set here: logLevel sets it/,
    ),
    'a setting in small letters': before('zoneSpread:', 'environment: {cacheTtl: 600}').reports(
      /environment\.cacheTtl: unknown value: environment holds environment variables, whose names/,
    ),
  }),
  inFile(dev, {
    'a budget for one pod': replace('enabled: false', 'enabled: true').reports(
      /podDisruptionBudget\.enabled: needs two pods/,
    ),
    'an HTTPRoute without its Gateway': replace(
      'ingress:',
      'httpRoute:\n  enabled: true\ningress:\n  enabled: false',
    ).reportsAs(/^(clusters\/dev|charts\/fastify-service)\/\S+:\d+: httpRoute\.gateway/),
    'a certificate without TLS': after(
      '  https: false',
      '  certificateArn: arn:aws:acm:us-east-1:111111111111:certificate/12345678-1234-1234-1234-123456789012',
    ).reports(/ingress\.certificateArn: has no effect/),
  }),
  inFile(shared, {
    'a drain that the deregistration does not cover': before('ingress:', 'shutdown:\n  drainSeconds: 30').reportsAs(
      /ingress\.deregistrationSeconds: must lie between/,
    ),
    'a load balancer that keeps connections longer than the service': after(
      'ingress:',
      '  idleTimeoutSeconds: 120',
    ).reports(/ingress\.idleTimeoutSeconds: must be less than the 72 s/),
    'one port for two listeners': before('ingress:', 'adminPort: 8080').reports(/adminPort: must differ from port/),
    'a privileged port': before('ingress:', 'port: 80').reports(/port: .*minimum/),
    'neither of the two': after('ingress:', '  enabled: false').reports(/ingress\.enabled: exactly one of/),
  }),
].flat();
