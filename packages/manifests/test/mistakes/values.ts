import type { Mistake } from './slip.ts';
import { after, at, before, dev, inFile, production, remove, replace, shared } from './slip.ts';

const image = 'clusters/production/fastify-service.image.yaml';

export const VALUES: readonly Mistake[] = [
  // Names
  inFile(production, {
    'a key misspelt': replace('zoneSpread:', 'zoneSpred:').reports(/zoneSpred: unknown value/),
    'a key misspelt below another': replace('maxReplicas:', 'maxReplica:').reports(
      /autoscaling\.maxReplica: unknown value/,
    ),
    'a key on the wrong level': replace('  memory: 512Mi\n', 'memory: 512Mi\n').reports(/memory: unknown value/),
    'a whole section one level too deep': replace('zoneSpread: required', '  zoneSpread: required').reports(
      /resources\.zoneSpread: unknown value/,
    ),
    'fault switches in production': before('zoneSpread:', 'faults: true').reportsAs(
      /production\/fastify-service ConfigMap\/fastify-service data\.FAULTS: the fault switches are for/,
    ),
    'an unknown spread': replace('zoneSpread: required', 'zoneSpread: mandatory').reports(/zoneSpread: .*'required'/),
  }),
  inFile(dev, {
    'a key in another case': replace('logLevel:', 'loglevel:').reports(/loglevel: unknown value/),
    'a name of Kubernetes in place of the chart’s': replace('replicas: 1', 'replicaCount: 1').reports(
      /replicaCount: unknown value/,
    ),
    'a value that an enumeration lacks': replace('logLevel: debug', 'logLevel: verbose').reports(/logLevel: .*'debug'/),
  }),
  inFile(shared, {
    'a key that another chart has': before('ingress:', 'nodeSelector: {}').reports(/nodeSelector: unknown value/),
    'a scheme that AWS does not know': replace('internet-facing', 'public').reports(/ingress\.scheme: .*internal/),
  }),

  // Types and quotes
  inFile(production, {
    'a number in quotes': replace('maxReplicas: 6', 'maxReplicas: "6"').reports(
      /autoscaling\.maxReplicas: got string, want integer \(it is "6"\)/,
    ),
    'a switch in quotes': replace('enabled: true', 'enabled: "true"').reports(
      /autoscaling\.enabled: got string, want boolean/,
    ),
    'yes for true': replace('enabled: true', 'enabled: yes').reports(/autoscaling\.enabled: yes must be quoted/),
    'a fraction of a pod': replace('minReplicas: 3', 'minReplicas: 2.5').reports(/autoscaling\.minReplicas: .*integer/),
    'CPU without its unit': replace('cpu: 500m', 'cpu: 500').reports(/resources\.cpu: got number, want string/),
    'memory in an odd unit': replace('memory: 512Mi', 'memory: 512MB').reports(
      /resources\.memory: must be mebibytes.*512MB/,
    ),
    'memory in thousandths, as CPU is': replace('memory: 512Mi', 'memory: 512m').reports(/resources\.memory: .*512m/),
    'a map for a text': replace('memory: 512Mi', 'memory: {limit: 512Mi}').reports(
      /resources\.memory: got object, want string/,
    ),
    'a list for a map': replace('resources:\n', 'resources: []\nresourcesBefore:\n').reports(
      /resources: got array, want object/,
    ),
    'a section that is empty': remove('  deletionProtection: true\n').reportsAs(
      /^clusters\/production\/fastify-service\.yaml:\d+: ingress: |^charts/,
    ),
    'an address in place of a name': replace(
      'host: fastify-service.production.example.com',
      'host: https://fastify-service.production.example.com',
    ).reportsAs(at(`${production}:3`, /host: must be a DNS name in lower case.*it is/)),
    'a host in capitals': replace('host: fastify-service', 'host: Fastify-service').reportsAs(
      at(`${production}:3`, /host: must be a DNS name in lower case.*it is/),
    ),
    'a default that a cluster takes away': replace('cpu: 500m', 'cpu: null').reportsAs(/resources\.cpu: |resources: /),
  }),
  inFile(dev, {
    'a negative count': replace('replicas: 1', 'replicas: -1').reports(/replicas: .*minimum/),
    'a switch for the section that holds it': replace(
      'podDisruptionBudget:\n  enabled: false',
      'podDisruptionBudget: false',
    ).reports(/podDisruptionBudget: got boolean, want object/),
  }),

  // Images
  inFile(image, {
    'the tag latest': replace('tag: "0.1.0"', 'tag: "latest"').reports(/tag: latest is not a version/),
    'a tag that is a number': replace('tag: "0.1.0"', 'tag: 1.10').reports(/tag: must be a quoted string/),
    'a platform misspelt': replace('[linux/amd64, linux/arm64]', '[amd64, linux/arm64]').reports(
      /platforms: must be platforms such as linux\/amd64/,
    ),
    'a digest cut short': remove('79bf6be6').reports(/digest: must be sha256/),
    'more than an image in an image file': before('image:\n', 'replicas: 3').reports(/replicas: unknown key/),
  }),

  // Files
  inFile(production, {
    'a tab': replace('  minReplicas: 3', '\tminReplicas: 3').reports(/the file: has a tab/),
    'a key twice': after('zoneSpread: required', 'zoneSpread: preferred').reports(/the file: .*unique/),
    'two documents': before('zoneSpread:', '---').reports(/the file: .*multiple documents/),
    'a colon without its space': replace('cpu: 500m', 'cpu:500m').reports(),
  }),
].flat();
