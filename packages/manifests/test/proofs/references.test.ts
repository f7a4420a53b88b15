import t from 'tap';
import { groupKindOf, type KubernetesObject, nameOf } from '../../src/kubernetes/object.ts';
import { clusterModels } from '../../src/proofs/cluster-model.ts';
import { unresolvedReferences } from '../../src/proofs/references.ts';
import { isHolder, pathIn } from '../../src/proofs/references/fields.ts';
import { CONTROLLERS, DEFINITIONS_OF, PRESENT } from '../../src/proofs/references/present.ts';
import { ELSEWHERE, REFERENCES, SELECTIONS } from '../../src/proofs/references/table.ts';
import { type FleetApplication, renderFleet } from '../../src/render/fleet.ts';
import { lacksCharts, open, root } from '../helper.ts';
import { broken } from './application.ts';

const { renderer, proofsOf } = await open(t);
const fleet = await renderFleet(renderer, root, { capabilities: proofsOf(root).capabilities });

/** Fields whose names are those of references. */
const LOOKS_LIKE_ONE =
  /(^|[.[\]])(\w*(Names?|Refs?|ClassName|Account|Secrets?|ConfigMaps?|Arn)|name|ref|service|store|project|secret)(\[\])?$/;

/** Every field of an object that holds a text, or a list of texts. */
function textFields(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => textFields(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? [path] : [];
  return Object.entries(value).flatMap(([key, inner]) => textFields(inner, path === '' ? key : `${path}.${key}`));
}

const isKnown = (object: KubernetesObject, path: string): boolean =>
  REFERENCES.some((one) => isHolder(one.holders, object) && pathIn(one.holders, one.path, object) === path) ||
  SELECTIONS.some((one) => isHolder(one.holders, object) && path.startsWith(`${one.path}.`)) ||
  ELSEWHERE.some(
    ({ holder, path: end }) =>
      (holder === '*' || isHolder([holder], object)) && path.replace(/\[\]$/, '').endsWith(end.replace(/\[\]$/, '')),
  );

/** The fields of an object that look like references. */
function candidates(object: KubernetesObject): string[] {
  if (object.kind === 'CustomResourceDefinition') return [];
  // What stands in data is text, and an object's own name is none.
  const { data: _, stringData: __, metadata, ...rest } = object;
  const { name: ___, ...described } = metadata;
  const paths = [...textFields(rest, ''), ...textFields(described, 'metadata')];
  return paths.filter((path) => LOOKS_LIKE_ONE.test(path));
}

t.test('every rendered field that looks like a reference is one, or says why it is none', (t) => {
  const unknown = new Set<string>();
  let count = 0;
  for (const object of clusterModels(fleet).flatMap(({ objects }) => objects)) {
    const paths = candidates(object);
    count += paths.length;
    for (const path of paths) if (!isKnown(object, path)) unknown.add(`${groupKindOf(object)} ${path}`);
  }
  t.same([...unknown], []);
  // 991 without any upstream chart.
  t.ok(count > 900, `${count} fields`);
  t.end();
});

t.test('a field of a new kind that looks like a reference is found', (t) => {
  const object = { apiVersion: 'x.example.com/v1', kind: 'X', metadata: { name: 'x' }, spec: { secretName: 'y' } };
  const [path = ''] = textFields(object.spec, 'spec');
  t.match(path, LOOKS_LIKE_ONE);
  t.notOk(isKnown(object, path));
  t.end();
});

t.test(
  'what is said to be at hand has a reason, and controllers bring what they are said to',
  { skip: lacksCharts() },
  (t) => {
    for (const { name, because } of PRESENT) t.match(because, / /, name);
    for (const { applications, objects, cluster } of clusterModels(fleet)) {
      if (cluster.provider !== 'aws') continue;
      for (const { controller, kind, name } of CONTROLLERS) {
        t.ok(
          objects.some((object) => groupKindOf(object) === kind && object.metadata.name === name),
          `${kind} ${name}`,
        );
        t.ok(
          applications.some(({ application }) => application.metadata.name === controller),
          controller,
        );
      }
      for (const [group, controller] of Object.entries(DEFINITIONS_OF)) {
        const maker = applications.find(({ application }) => application.metadata.name === controller);
        const rendered = maker?.rendered.ok === true ? maker.rendered.value : [];
        t.ok(
          rendered.some(
            ({ kind, spec }) => kind === 'CustomResourceDefinition' && (spec as { group?: string }).group === group,
          ),
          group,
        );
      }
    }
    t.end();
  },
);

/** The application of the rules' tests, as the only one of a cluster. */
function problemsOf(objects: readonly KubernetesObject[]): string[] {
  const [first] = fleet;
  const entry = { ...first, applicationSet: undefined, chart: undefined, rendered: { ok: true, value: objects } };
  const application = {
    ...first?.application,
    metadata: { name: 'api' },
    spec: { project: 'x', destination: { namespace: 'default' } },
  };
  return unresolvedReferences([{ ...entry, application } as unknown as FleetApplication], { root });
}

t.test('a name that nothing has is found in every field of pods', (t) => {
  const pod = 'spec template spec';
  const container = `${pod} containers 0`;
  const mistakes: [kind: string, path: string, value: unknown, found: RegExp][] = [
    ['Deployment', `${container} envFrom 0 configMapRef name`, 'apis', /envFrom\[0\]\.configMapRef\.name: must name a ConfigMap/],
    ['ExternalSecret', 'spec target name', 'other', /envFrom\[1\]\.secretRef\.name: must name a Secret/],
    ['Deployment', `${container} env 0`, { name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } }, /env\[A\]\.valueFrom\.secretKeyRef\.name: must name a Secret/],
    ['Deployment', `${container} env 0`, { name: 'A', valueFrom: { configMapKeyRef: { name: 'api', key: 'NONE' } } }, /env\[A\]\S+: must name a key of ConfigMap\/api/],
    ['Deployment', `${pod} volumes 0`, { name: 'tls', secret: { secretName: 'x' } }, /volumes\[tls\]\.secret\.secretName: must name a Secret/],
    ['Deployment', `${pod} volumes 0`, { name: 'all', projected: { sources: [{ configMap: { name: 'x' } }] } }, /volumes\[all\]\.projected\.sources\[0\]\.configMap\.name: must name a ConfigMap/],
    ['Deployment', `${pod} priorityClassName`, 'urgent', /priorityClassName: must name a PriorityClass/],
    ['Deployment', `${pod} serviceAccountName`, 'other', /serviceAccountName: must name a ServiceAccount/],
  ]; // prettier-ignore
  for (const [kind, path, value, found] of mistakes)
    t.ok(
      problemsOf(broken(kind, path, value)).some((problem) => found.test(problem)),
      `${kind} ${path}`,
    );
  const optional = { name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'y', optional: true } } };
  const fine = problemsOf(broken('Deployment', `${container} env 0`, optional));
  t.notOk(fine.some((problem) => problem.includes('env[A]')), 'what is optional may be missing'); // prettier-ignore
  t.end();
});

t.test('objects that need each other in a circle are named', (t) => {
  const object = (kind: string, name: string, spec: object): KubernetesObject => ({
    apiVersion: 'external-secrets.io/v1',
    kind,
    metadata: { name },
    spec,
  });
  const problems = problemsOf([
    object('SecretStore', 'a', {
      provider: { aws: { auth: { secretRef: { accessKeyIDSecretRef: { name: 'made', key: 'id' } } } } },
    }),
    object('ExternalSecret', 'b', {
      secretStoreRef: { kind: 'SecretStore', name: 'a' },
      target: { name: 'made' },
      data: [{ secretKey: 'id' }],
    }),
  ]);
  t.equal(problems.length, 1);
  t.match(problems[0], /needs itself: SecretStore\/a → ExternalSecret\/b → SecretStore\/a/);
  t.match(nameOf(object('SecretStore', 'a', {})), 'SecretStore/a');
  t.end();
});
