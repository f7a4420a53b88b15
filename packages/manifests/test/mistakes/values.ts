import type { Mistake } from './slip.ts';
import { after, at, before, dev, inFile, production, remove, replace, shared } from './slip.ts';

const image = 'clusters/production/fastify-service.image.yaml';

export const VALUES: readonly Mistake[] = [
  // Names
  inFile(production, {
    'a key misspelt': replace('zoneSpread:', 'zoneSpred:').told(/zoneSpred: is no value of this chart/),
    'a key misspelt below another': replace('maxReplicas:', 'maxReplica:').told(/autoscaling\.maxReplica: is no value/),
    'a key on the wrong level': replace('  memory: 512Mi\n', 'memory: 512Mi\n').told(/memory: is no value/),
    'a whole section one level too deep': replace('zoneSpread: required', '  zoneSpread: required').told(
      /resources\.zoneSpread: is no value/,
    ),
    'an unknown spread': replace('zoneSpread: required', 'zoneSpread: mandatory').told(/zoneSpread: .*'required'/),
  }),
  inFile(dev, {
    'a key in another case': replace('logLevel:', 'loglevel:').told(/loglevel: is no value/),
    'a name of Kubernetes in place of the chart’s': replace('replicas: 1', 'replicaCount: 1').told(
      /replicaCount: is no value/,
    ),
    'a value that an enumeration lacks': replace('logLevel: debug', 'logLevel: verbose').told(/logLevel: .*'debug'/),
  }),
  inFile(shared, {
    'a key that another chart has': before('ingress:', 'nodeSelector: {}').told(/nodeSelector: is no value/),
    'a scheme that AWS does not know': replace('internet-facing', 'public').told(/ingress\.scheme: .*internal/),
  }),

  // Types and quotes
  inFile(production, {
    'a number in quotes': replace('maxReplicas: 6', 'maxReplicas: "6"').told(
      /autoscaling\.maxReplicas: got string, want integer \(it is "6"\)/,
    ),
    'a switch in quotes': replace('enabled: true', 'enabled: "true"').told(
      /autoscaling\.enabled: got string, want boolean/,
    ),
    'yes for true': replace('enabled: true', 'enabled: yes').told(/autoscaling\.enabled: yes must be quoted/),
    'a fraction of a pod': replace('minReplicas: 3', 'minReplicas: 2.5').told(/autoscaling\.minReplicas: .*integer/),
    'CPU without its unit': replace('cpu: 500m', 'cpu: 500').told(/resources\.cpu: got number, want string/),
    'memory in an odd unit': replace('memory: 512Mi', 'memory: 512MB').told(
      /resources\.memory: must be mebibytes.*512MB/,
    ),
    'memory in thousandths, as CPU is': replace('memory: 512Mi', 'memory: 512m').told(/resources\.memory: .*512m/),
    'a map for a text': replace('memory: 512Mi', 'memory: {limit: 512Mi}').told(
      /resources\.memory: got object, want string/,
    ),
    'a list for a map': replace('resources:\n', 'resources: []\nresourcesBefore:\n').told(
      /resources: got array, want object/,
    ),
    'a section that is empty': remove('  deletionProtection: true\n').toldAs(
      /^clusters\/production\/fastify-service\.yaml:\d+: ingress: |^charts/,
    ),
    'an address in place of a name': replace(
      'host: fastify-service.production.example.com',
      'host: https://fastify-service.production.example.com',
    ).toldAs(at(`${production}:3`, /host: must be a DNS name in lower case.*it is/)),
    'a host in capitals': replace('host: fastify-service', 'host: Fastify-service').toldAs(
      at(`${production}:3`, /host: must be a DNS name in lower case.*it is/),
    ),
    'a default that a cluster takes away': replace('cpu: 500m', 'cpu: null').toldAs(/resources\.cpu: |resources: /),
  }),
  inFile(dev, {
    'a negative count': replace('replicas: 1', 'replicas: -1').told(/replicas: .*minimum/),
    'a switch for the section that holds it': replace(
      'podDisruptionBudget:\n  enabled: false',
      'podDisruptionBudget: false',
    ).told(/podDisruptionBudget: got boolean, want object/),
  }),

  // Images
  inFile(image, {
    'the tag latest': replace('tag: "0.1.0"', 'tag: "latest"').told(/tag: latest names no version/),
    'a tag that is a number': replace('tag: "0.1.0"', 'tag: 1.10').told(/tag: must be text in quotes/),
    'a digest cut short': remove('79bf6be6').told(/digest: must be sha256/),
    'more than an image in an image file': before('image:\n', 'replicas: 3').told(/replicas: is not known here/),
  }),

  // Files
  inFile(production, {
    'a tab': replace('  minReplicas: 3', '\tminReplicas: 3').told(/the file: has a tab/),
    'a key twice': after('zoneSpread: required', 'zoneSpread: preferred').told(/the file: .*unique/),
    'two documents': before('zoneSpread:', '---').told(/the file: .*multiple documents/),
    'a colon without its space': replace('cpu: 500m', 'cpu:500m').told(),
  }),
].flat();
