import type { Mistake } from './slip.ts';
import { across, after, arm64Nodes, at, before, honest, inFile, production, replace } from './slip.ts';

const argocd = 'clusters/production/argocd.yaml';
const template = (name: string): string => `charts/fastify-service/templates/${name}`;
const certificate = (region: string, account: string): string =>
  `  certificateArn: arn:aws:acm:${region}:${account}:certificate/12345678-1234-1234-1234-123456789012`;
const webAcl = (region: string, account: string): string =>
  `  wafAclArn: arn:aws:wafv2:${region}:${account}:regional/webacl/all/12345678-1234-1234-1234-123456789012`;
const externalSecret = (key: string): string =>
  `externalSecret:\n  enabled: true\n  store: aws-secrets-manager\n  key: ${key}`;

/** The same values as they are right. */
const RIGHT = [
  [
    production,
    'ingress:',
    ['ingress:', certificate('us-east-1', '333333333333'), webAcl('us-east-1', '333333333333')].join('\n'),
  ],
  [
    production,
    '  deletionProtection: true',
    '  deletionProtection: true\n  tlsPolicy: ELBSecurityPolicy-TLS13-1-3-PQ-2025-09',
  ],
  [production, 'zoneSpread:', `${externalSecret('production/fastify-service')}\nzoneSpread:`],
  [production, 'zoneSpread:', 'rollout:\n  startupSeconds: 10\nzoneSpread:'],
  [production, 'fastify-service.production.', 'www.production.'],
  [argocd, 'argocd.production.', 'deployments.production.'],
  [
    argocd,
    'notifications:',
    'configs:\n  cm:\n    oidc.config: |\n      name: SSO\n      issuer: https://sso.example.com\n      clientID: argocd\n      clientSecret: $oidc.clientSecret\nnotifications:',
  ],
  [
    'clusters/production/aws-load-balancer-controller.yaml',
    'replicaCount: 2',
    'replicaCount: 2\nnodeSelector:\n  kubernetes.io/arch: amd64\n  eks.amazonaws.com/capacityType: ON_DEMAND',
  ],
  [
    'clusters/production/metrics-server.yaml',
    'replicas: 2',
    'replicas: 2\nnodeSelector:\n  topology.kubernetes.io/region: us-east-1',
  ],
  ['clusters/production/cluster.yaml', '10.2.0.0/16', '10.7.0.0/16'],
  ['clusters/dev/fastify-service.yaml', 'ingress:', 'environment:\n  CACHE_STALE_SECONDS: 600\ningress:'],
  ['charts/fastify-service/templates/_helpers.tpl', 'DRAIN_SECONDS:', 'CACHE_TTL_SECONDS: "5"\nDRAIN_SECONDS:'],
  ['clusters/shared/kube-prometheus-stack.yaml', 'type: gp3', 'type: io2'],
].map(([file = '', from = '', to = '']) => ({ file, from, to }));

/** Values that contradict a fact: of the cluster, of AWS, of the service, or of another cluster. */
export const FACTS: readonly Mistake[] = [
  // Accounts and regions
  inFile(production, {
    'a certificate of another region': after('ingress:', certificate('eu-west-1', '333333333333')).reports(
      /ingress\.certificateArn: must be in us-east-1, the region of the cluster/,
    ),
    'a certificate of another account': after('ingress:', certificate('us-east-1', '222222222222')).reports(
      /ingress\.certificateArn: must be of account 333333333333/,
    ),
    'a web ACL of another region': after('ingress:', webAcl('us-west-2', '333333333333')).reports(
      /ingress\.wafAclArn: must be in us-east-1/,
    ),
    'a web ACL of another account': after('ingress:', webAcl('us-east-1', '111111111111')).reports(
      /ingress\.wafAclArn: must be of account 333333333333/,
    ),
    'a certificate of another partition': after(
      'ingress:',
      certificate('us-east-1', '333333333333').replace('arn:aws:', 'arn:aws-cn:'),
    ).reports(/ingress\.certificateArn: must be in the partition aws/),
  }),
  inFile(
    'clusters/production/aws-load-balancer-controller.yaml',
    {
      'a role of another account': replace(
        'replicaCount: 2',
        'replicaCount: 2\nserviceAccount:\n  annotations:\n    eks.amazonaws.com/role-arn: arn:aws:iam::222222222222:role/balancers',
      ).reports(/serviceAccount\.annotations\.eks\.amazonaws\.com\/role-arn: must be of account 333333333333/),
      'a registry of another account': replace(
        'replicaCount: 2',
        'replicaCount: 2\nimage:\n  repository: 222222222222.dkr.ecr.us-east-1.amazonaws.com/balancers',
      ).reports(/image\.repository: must be in the registry of all clusters, account 111111111111/),
      'nodes of another architecture': replace(
        'replicaCount: 2',
        'replicaCount: 2\nnodeSelector:\n  kubernetes.io/arch: arm64',
      ).reports(/nodeSelector\.kubernetes\.io\/arch: must be amd64/),
      'nodes of another kind': replace(
        'replicaCount: 2',
        'replicaCount: 2\nnodeSelector:\n  eks.amazonaws.com/capacityType: SPOT',
      ).reports(/nodeSelector\.eks\.amazonaws\.com\/capacityType: must be ON_DEMAND/),
    },
    'aws-load-balancer-controller',
  ),

  // Published names
  inFile(production, {
    'a TLS policy misspelt': after('ingress:', '  tlsPolicy: ELBSecurityPolicy-TLS13-1-2-2021-6').reports(
      /ingress\.tlsPolicy: unknown name of Elastic Load Balancing .*did you mean ELBSecurityPolicy-TLS13-1-2-2021-06/,
    ),
  }),
  inFile(template('ingress.yaml'), {
    'an annotation misspelt': replace('healthcheck-interval-seconds:', 'healthcheck-intervall-seconds:').reportsAs(
      at(template('ingress.yaml'), /.*unknown name of AWS Load Balancer Controller .*healthcheck-interval-seconds/),
    ),
    'an attribute misspelt': replace('drop_invalid_header_fields', 'drop_invalid_headers').reportsAs(
      at(template('ingress.yaml'), /.*unknown name of an Application Load Balancer .*drop_invalid_header_fields/),
    ),
    'an attribute of targets misspelt': replace('load_balancing.algorithm.type', 'load_balancing.algorithm').reportsAs(
      at(template('ingress.yaml'), /.*unknown name of a target group .*load_balancing\.algorithm/),
    ),
  }),
  inFile(
    'clusters/shared/kube-prometheus-stack.yaml',
    {
      'a type of volumes that EBS does not have': replace('type: gp3', 'type: gp4').reports(
        /extraManifests\.storageClass\.parameters\.type: unknown name of Amazon EBS/,
      ),
      'a secret outside the cluster’s own': replace(
        '"{{ .Values.prometheus.prometheusSpec.externalLabels.cluster }}/grafana"',
        'staging/grafana',
      ).reports(
        /extraManifests\.grafanaAdmin\.spec\.dataFrom\.0\.extract\.key: must begin with (dev|production)\/: the role/,
      ),
    },
    'kube-prometheus-stack',
  ),

  // Secrets that the role may read
  inFile(production, {
    'a secret of another cluster': before('zoneSpread:', externalSecret('staging/fastify-service')).reports(
      /externalSecret\.key: must begin with production\/: the role of External Secrets reads no other secret/,
    ),
    'a secret without its cluster': before('zoneSpread:', externalSecret('fastify-service')).reports(
      /externalSecret\.key: must begin with production\//,
    ),
  }),
  inFile(
    'clusters/shared/external-secrets.yaml',
    {
      'a store that assumes a role': after(
        '          service: SecretsManager',
        '          role: arn:aws:iam::111111111111:role/reader',
      ).reports(/extraObjects\.0\.spec\.provider\.aws\.role: must be left out/),
      'a store of parameters': replace('service: SecretsManager', 'service: ParameterStore').reports(
        /extraObjects\.0\.spec\.provider\.aws\.service: must be SecretsManager/,
      ),
    },
    'external-secrets',
  ),

  // What the service reads
  inFile(template('_helpers.tpl'), {
    'a setting that the service does not have': before('DRAIN_SECONDS:', 'CACHE_TTL_SECOND: "5"').reports(
      /CACHE_TTL_SECOND: unknown setting of the service/,
    ),
    'a setting on which the service exits': replace('HOST: "0.0.0.0"', 'HOST: "everywhere"').reports(
      /HOST: the service exits: HOST must be an IP address/,
    ),
  }),
  inFile(production, {
    'a start that no bundle makes': before('zoneSpread:', 'rollout:\n  startupSeconds: 1').reports(
      /rollout\.startupSeconds: must be 10 seconds or more/,
    ),
    'a value where Helm has none': before('zoneSpread:', 'global:\n  logLevel: warn').reports(
      /global\.logLevel: unknown value/,
    ),
  }),
  inFile('clusters/dev/fastify-service.yaml', {
    'a variable that the service does not have': before('ingress:', 'environment:\n  CACHE_TTL_SECOND: 600').reports(
      /environment\.CACHE_TTL_SECOND: unknown setting of the service/,
    ),
    'a variable on which the service exits': before('ingress:', 'environment:\n  CACHE_MAX_BYTES: lots').reports(
      /environment\.CACHE_MAX_BYTES: the service exits: CACHE_MAX_BYTES must be a whole number/,
    ),
  }),
  inFile('clusters/dev/monitoring.yaml', {
    'a value of all charts': before('alertmanager:', 'global:\n  cluster: dev').reports(
      /global\.cluster: unknown value/,
    ),
  }),

  // Other clusters
  inFile(production, {
    'the host of another cluster': replace('fastify-service.production.', 'fastify-service.staging.').reportsAs(
      /^clusters\/(production|staging)\/fastify-service\.yaml:\d+: host: fastify-service\.staging\.example\.com already leads to/,
    ),
    'the host of Argo CD': replace('fastify-service.production.', 'argocd.production.').reportsAs(
      /^clusters\/production\/(argocd|fastify-service)\.yaml:\d+: .*argocd\.production\.example\.com already leads to/,
    ),
    'a host among the previews of another cluster': replace(
      'fastify-service.production.',
      'pr-1.preview.dev.',
    ).reportsAs(/already leads to (dev \((the load balancer )?previews\)|production \(fastify-service\))/),
  }),
  inFile(argocd, {
    'the domain of another Argo CD': replace('argocd.production.', 'argocd.staging.').reportsAs(
      /^clusters\/(production|staging)\/argocd\.yaml:\d+: global\.domain: .* already leads to/,
    ),
    'notifications that name another cluster': replace('cluster: production', 'cluster: staging').reports(
      /notifications\.context\.cluster: must be the cluster's name, production \(it is "staging"\)/,
    ),
  }),
  inFile('clusters/production/cluster.yaml', {
    'the network of another cluster': replace('10.2.0.0/16', '10.1.0.0/16').reportsAs(
      /^clusters\/(production|staging)\/cluster\.yaml:\d+: network\.cidr: must not overlap the network of/,
    ),
  }),
  inFile('clusters/dev/cluster.yaml', {
    'previews below the host of another cluster': replace(
      'domain: preview.dev.example.com',
      'domain: production.example.com',
    ).reportsAs(/^clusters\/\w+\/[\w-]+\.yaml:\d+: .* already leads to/),
  }),

  // Nodes and load balancers
  across(
    'an image that is not known to run on the nodes',
    [
      ...arm64Nodes('staging'),
      {
        file: 'clusters/staging/metrics-server.yaml',
        from: 'replicas: 2',
        to: 'replicas: 2\nimage:\n  repository: registry.example.com/metrics-server',
      },
    ],
    /^clusters\/staging\/metrics-server\.yaml:\d+: image\.repository: .* is not known to run on arm64, which the nodes of staging are/,
    'all',
  ),
  across(
    'arm64 nodes, and an image that was built for amd64 alone',
    [
      ...arm64Nodes('staging'),
      {
        file: 'clusters/staging/fastify-service.image.yaml',
        from: '[linux/amd64, linux/arm64]',
        to: '[linux/amd64]',
      },
    ],
    /^clusters\/staging\/cluster\.yaml:\d+: nodeGroup\.instanceType: the nodes of staging are arm64, and the image of fastify-service does not run on them \(clusters\/staging\/fastify-service\.image\.yaml:6 has linux\/amd64\)/,
  ),
  across(
    'arm64 nodes, and an image of before, whose platforms nothing recorded',
    [
      ...arm64Nodes('dev'),
      {
        file: 'clusters/dev/fastify-service.image.yaml',
        from: '\n  platforms: [linux/amd64, linux/arm64]',
        to: '',
      },
    ],
    /^clusters\/dev\/cluster\.yaml:\d+: nodeGroup\.instanceType: .*\(clusters\/dev\/fastify-service\.image\.yaml:5 does not say that it is for anything but amd64\)/,
  ),
  across(
    'an image for arm64 alone, on amd64 nodes',
    {
      file: 'clusters/production/fastify-service.image.yaml',
      from: '[linux/amd64, linux/arm64]',
      to: '[linux/arm64]',
    },
    /^clusters\/production\/cluster\.yaml:\d+: nodeGroup\.instanceType: the nodes of production are amd64, and the image of fastify-service does not run on them/,
  ),
  honest('amd64 nodes, and an image of before, whose platforms nothing recorded', {
    file: 'clusters/dev/fastify-service.image.yaml',
    from: '\n  platforms: [linux/amd64, linux/arm64]',
    to: '',
  }),
  across(
    'an internal load balancer among the pods',
    [
      {
        file: production.replace('production', 'staging'),
        from: 'zoneSpread:',
        to: 'ingress:\n  scheme: internal\nzoneSpread:',
      },
      {
        file: 'clusters/shared/aws-load-balancer-controller.yaml',
        from: '        tier: [public]',
        to: '        tier: [private]',
      },
    ],
    /^clusters\/staging\/fastify-service\.yaml:\d+: ingress\.scheme: an internal load balancer would stand in the private subnets/,
    'all',
  ),
  honest('values that agree with the facts', RIGHT, 'all'),
  honest('arm64 nodes', arm64Nodes('staging'), 'all'),
].flat();
