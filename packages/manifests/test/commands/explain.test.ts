import t from 'tap';
import { effect, provenance } from '../../src/commands/explanation.ts';
import { renderFleet } from '../../src/render/fleet.ts';
import { keysOf } from '../../src/render/values.ts';
import { copy, edit, lacksCharts, open, root } from '../helper.ts';

const { renderer, proofsOf } = await open(t);

t.test('which line set a value, what it shadowed, and what it sets', async (t) => {
  const folder = copy(t);
  edit(folder, 'clusters/shared/fastify-service.yaml', 'ingress:', 'resources:\n  memory: 384Mi\ningress:');
  const entry = (
    await renderFleet(renderer, folder, { clusters: ['production'], capabilities: proofsOf(folder).capabilities })
  ).find(({ application }) => application.metadata.name === 'fastify-service');
  if (entry === undefined) throw new Error('nothing was rendered');
  const places = (key: string) =>
    provenance(folder, entry, key).map(({ key: name, value, place, kind, shadowed }) => ({
      name,
      value,
      place: place.replace(/:\d+$/, ''),
      kind,
      shadowed: shadowed.map(({ value: below }) => below),
    }));
  t.strictSame(places('resources.memory'), [
    {
      name: 'resources.memory',
      value: '512Mi',
      place: 'clusters/production/fastify-service.yaml',
      kind: 'values file',
      shadowed: ['384Mi', '256Mi'],
    },
  ]);
  t.match(places('resources'), [
    { name: 'resources.cpu' },
    { name: 'resources.memory' },
    { name: 'resources.ephemeralStorage', kind: 'chart defaults', shadowed: [] },
  ]);
  t.match(places('image.digest'), [{ place: 'clusters/production/fastify-service.image.yaml' }]);
  t.match(places('image.repository'), [
    { place: 'argocd/applications/fastify-service.yaml', kind: 'parameter', value: /\/fastify-service$/ },
  ]);
  t.match(places('networkPolicy.loadBalancerCidrs.0'), [{ value: '10.2.128.0/24', kind: 'parameter' }]);
  t.ok(places('').length > 45, 'without a key, all of them');
  t.throws(() => provenance(folder, entry, 'resource.memory'), {
    message: 'unknown value resource.memory of production/fastify-service',
    next: /did you mean resources\.memory or /,
  });

  const sets = async (...keys: string[]) => {
    const { changes, refusal } = await effect(renderer, folder, entry, keys);
    return refusal ?? changes.map(({ object, path, before }) => `${object} ${path} ${String(before)}`);
  };
  t.strictSame(await sets('resources', 'memory'), [
    'Deployment/fastify-service spec.template.spec.containers[fastify-service].resources.limits.memory 512Mi',
    'Deployment/fastify-service spec.template.spec.containers[fastify-service].resources.requests.memory 512Mi',
  ]);
  t.match(await sets('image', 'repository'), [
    /^Deployment\/fastify-service spec\.template\.spec\.containers\[fastify-service\]\.image /,
  ]);
  t.strictSame(await sets('ingress', 'groupOrder'), [], 'switched off here');
  t.match(await sets('ingress', 'enabled'), /exactly one of ingress\.enabled and httpRoute\.enabled/);
});

t.test(
  'of an upstream chart: its own defaults, our files, and a parameter within a list',
  { skip: lacksCharts('metrics-server', 'external-secrets') },
  async (t) => {
    const fleet = await renderFleet(renderer, root, {
      clusters: ['staging'],
      capabilities: proofsOf(root).capabilities,
    });
    const entryOf = (name: string): (typeof fleet)[number] => {
      const entry = fleet.find(({ application }) => application.metadata.name === name);
      if (entry === undefined) throw new Error(`staging does not run ${name}`);
      return entry;
    };
    const explained = async (name: string, key: string): Promise<unknown[]> => {
      const [explanation] = provenance(root, entryOf(name), key);
      const { changes } = await effect(renderer, root, entryOf(name), keysOf(key));
      return [
        explanation?.value,
        explanation?.place.replace(/:\d+$/, ''),
        explanation?.shadowed.map(({ place, value }) => `${place.replace(/:\d+$/, '')} ${String(value)}`),
        changes.map(({ object, path }) => `${object} ${path}`),
      ];
    };
    t.strictSame(await explained('metrics-server', 'replicas'), [
      2,
      'clusters/staging/metrics-server.yaml',
      ['metrics-server-3.13.1/values.yaml 1'],
      ['Deployment/metrics-server spec.replicas'],
    ]);
    const region = 'extraObjects.0.spec.provider.aws.region';
    t.strictSame(await explained('external-secrets', region), [
      'us-east-1',
      'argocd/applications/external-secrets.yaml',
      [],
      ['ClusterSecretStore/aws-secrets-manager spec.provider.aws.region'],
    ]);
  },
);
