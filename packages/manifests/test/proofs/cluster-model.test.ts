import t from 'tap';
import { namespaceOf } from '../../src/kubernetes/namespace.ts';
import { nameOf } from '../../src/kubernetes/object.ts';
import { clusterModels } from '../../src/proofs/cluster-model.ts';
import { labelOf, renderFleet } from '../../src/render/fleet.ts';
import { lacksCharts, open, root } from '../helper.ts';

const { renderer, proofsOf } = await open(t);
const fleet = await renderFleet(renderer, root, { capabilities: proofsOf(root).capabilities });
const models = clusterModels(fleet);
const inWords = (name: string): string[] =>
  (models.find(({ cluster }) => cluster.name === name)?.entries ?? []).map(
    ({ object, maker, origin }) => `${namespaceOf(object)} ${nameOf(object)} ${labelOf(maker)} ${origin}`,
  );

t.test('a cluster holds what is rendered, installed and made, each with its maker', (t) => {
  t.same(models.map(({ cluster }) => cluster.name).sort(), ['dev', 'local', 'production', 'staging']);
  const objects = inWords('local');
  for (const expected of [
    'fastify-service Deployment/fastify-service local/fastify-service rendered',
    'default Namespace/fastify-service local/root rendered',
    'argocd AppProject/services local/root rendered',
    'argocd AppProject/root local/root installed',
    'argocd Application/root local/root installed',
    'argocd Application/fastify-service local/root made',
  ])
    t.ok(objects.includes(expected), expected);
  t.equal(new Set(objects).size, objects.length, 'each object once');
  t.end();
});

t.test('an operator is in the model with what it makes', { skip: lacksCharts() }, (t) => {
  const made = 'monitoring StatefulSet/prometheus-kps production/kube-prometheus-stack made';
  t.ok(inWords('production').includes(made));
  t.ok(inWords('production').includes('argocd Deployment/argocd-server production/argocd rendered'));
  t.end();
});

t.test('it is made once for a fleet', (t) => {
  t.equal(clusterModels(fleet), models);
  t.end();
});

t.test('an Application that does not render is unknown, and no object', (t) => {
  const broken = fleet.map((entry) =>
    labelOf(entry) === 'local/fastify-service'
      ? { ...entry, rendered: { ok: false as const, error: 'broken' } }
      : entry,
  );
  const model = clusterModels(broken).find(({ cluster }) => cluster.name === 'local');
  t.same(model?.unknown.map(labelOf), ['local/fastify-service']);
  t.notOk(model?.objects.some(({ kind }) => kind === 'Deployment'));
  t.end();
});
