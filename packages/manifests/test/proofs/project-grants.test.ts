import t from 'tap';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { wrongGrants } from '../../src/proofs/project-grants.ts';
import { forbiddenByProjects, type Project } from '../../src/proofs/projects.ts';
import type { ProofContext } from '../../src/proofs/proof.ts';
import type { FleetApplication } from '../../src/render/fleet.ts';
import { root } from '../helper.ts';

type Spec = NonNullable<Project['spec']>;

const HOME = 'https://github.com/example/platform.git';
const IN_CLUSTER = 'https://kubernetes.default.svc';

const object = (apiVersion: string, kind: string, name: string, more: object = {}): KubernetesObject => ({
  ...{ apiVersion, kind, metadata: { name } },
  ...more,
});

const project = (name: string, spec: Spec): KubernetesObject =>
  object('argoproj.io/v1alpha1', 'AppProject', name, { spec: spec as Record<string, unknown> });

const application = (
  name: string,
  namespace: string,
  objects: readonly KubernetesObject[],
  of = name,
): FleetApplication =>
  ({
    cluster: { name: 'dev' },
    application: {
      metadata: { name },
      spec: { project: of, destination: { server: IN_CLUSTER, namespace }, source: { repoURL: HOME, path: 'nowhere' } },
    },
    rendered: { ok: true, value: objects },
  }) as unknown as FleetApplication;

const GUARD = [
  object('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', 'only-root-writes-to-argocd', {
    spec: { failurePolicy: 'Fail' },
  }),
  object('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicyBinding', 'only-root-writes-to-argocd', {
    spec: { policyName: 'only-root-writes-to-argocd', validationActions: ['Deny'] },
  }),
];

const SERVICES: Spec = {
  sourceRepos: [HOME],
  destinations: [
    { server: IN_CLUSTER, namespace: 'fastify-service' },
    { server: IN_CLUSTER, namespace: 'argocd' },
  ],
  clusterResourceWhitelist: [],
  namespaceResourceWhitelist: [
    { group: 'apps', kind: 'Deployment' },
    { group: 'apps', kind: 'ReplicaSet' },
    { group: '', kind: 'Pod' },
    { group: 'argoproj.io', kind: 'Application' },
  ],
};

const ROOT: Spec = {
  sourceRepos: [HOME],
  destinations: [{ server: IN_CLUSTER, namespace: 'argocd' }],
  clusterResourceWhitelist: [
    { group: 'admissionregistration.k8s.io', kind: 'ValidatingAdmissionPolicy', name: 'only-root-writes-to-argocd' },
    { group: 'admissionregistration.k8s.io', kind: 'ValidatingAdmissionPolicyBinding', name: 'only-root-*' },
  ],
  namespaceResourceWhitelist: [{ group: 'argoproj.io', kind: 'AppProject' }],
};

/** A cluster with one service, whose project and root's are given. */
function fleetWith(
  services: Spec,
  ownOfRoot: Spec = ROOT,
  rendered: readonly KubernetesObject[] = GUARD,
): FleetApplication[] {
  const service = application(
    'fastify-service',
    'fastify-service',
    [object('apps/v1', 'Deployment', 'api')],
    'services',
  );
  const ofRoot = application('root', 'argocd', [project('services', services), ...rendered]);
  return [{ ...ofRoot, installedWith: [project('root', ownOfRoot)] }, service];
}

const context = { root } as ProofContext;
const problems = (services: Spec, ownOfRoot?: Spec, rendered?: readonly KubernetesObject[]): string[] =>
  wrongGrants(fleetWith(services, ownOfRoot, rendered), context);

t.test('grants that are used, and no wider than their use', (t) => {
  t.strictSame(problems(SERVICES), []);
  t.strictSame(forbiddenByProjects(fleetWith(SERVICES), context), []);
  t.end();
});

const with_ = (more: { readonly [Part in keyof Spec]: NonNullable<Spec[Part]> }): Spec => {
  const spec: Record<string, unknown> = { ...SERVICES };
  for (const [part, grants] of Object.entries(more))
    spec[part] = [...(SERVICES[part as keyof Spec] ?? []), ...(grants as readonly object[])];
  return spec;
};
const inCluster = (namespace: string): Spec => with_({ destinations: [{ server: IN_CLUSTER, namespace }] });

/** A project of services, and the rules that it breaks. */
const WRONG: Readonly<Record<string, readonly [Spec, ...RegExp[]]>> = {
  'a repository that nothing reads': [
    with_({ sourceRepos: ['https://example.com/a.git'] }),
    /sourceRepos: no Application of it reads https:\/\/example\.com\/a\.git$/,
  ],
  'any repository': [with_({ sourceRepos: ['*'] }), /\* must be one repository/, /no Application of it reads \*/],
  'a namespace that nothing writes to': [
    inCluster('other'),
    /destinations: no Application of it writes to the namespace other$/,
  ],
  'any namespace': [
    inCluster('*'),
    /\* must be a namespace, or a prefix/,
    /no Application of it writes to the namespace \*/,
  ],
  'another cluster': [
    with_({ destinations: [{ server: '*', namespace: 'fastify-service' }] }),
    /the server must be https:\/\/kubernetes\.default\.svc \(it is \*\)/,
  ],
  'the namespace of Kubernetes': [
    inCluster('kube-system'),
    /no Application/,
    /a developer must not write to kube-system/,
  ],
  'the namespace of Kubernetes, by a prefix': [
    inCluster('kube-*'),
    /no Application/,
    /a developer must not write to kube-system/,
  ],
  'the namespace of Argo CD, by a prefix': [inCluster('argo*'), /must be a namespace/, /no Application/],
  'the namespace of Argo CD without the switch': [
    { ...SERVICES, namespaceResourceWhitelist: SERVICES.namespaceResourceWhitelist?.slice(0, 3) ?? [] },
    /no Application of it writes to the namespace argocd/,
    /a developer must not write to argocd/,
  ],
  'a kind that nothing renders': [
    with_({ namespaceResourceWhitelist: [{ group: 'batch', kind: 'CronJob' }] }),
    /no Application of it renders batch\/CronJob$/,
  ],
  'any kind': [
    with_({ namespaceResourceWhitelist: [{ group: '*', kind: '*' }] }),
    /\*\/\* must name a kind/,
    /renders \*\/\*/,
  ],
  'no list of kinds, which allows all': [
    { ...SERVICES, namespaceResourceWhitelist: [] },
    /an empty list allows every kind/,
    /namespace argocd/,
    /must not write to argocd/,
  ],
  'a cluster-scoped kind': [
    with_({ clusterResourceWhitelist: [{ group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' }] }),
    /no Application of it renders rbac\.authorization\.k8s\.io\/ClusterRole admin/,
    /a developer must not change rbac\.authorization\.k8s\.io\/ClusterRole admin/,
  ],
  'a cluster-scoped kind without names': [
    with_({ clusterResourceWhitelist: [{ group: '', kind: 'Namespace' }] }),
    /Namespace must name a kind and its objects/,
    /renders Namespace/,
    /a developer must not change Namespace/,
  ],
};
for (const [name, [spec, ...rules]] of Object.entries(WRONG))
  t.test(`services may use ${name}`, (t) => {
    const found = problems(spec);
    t.match(found, rules);
    t.equal(found.length, rules.length, found.join('\n'));
    for (const problem of found)
      t.match(problem, /^argocd\/projects\/templates\/services\.yaml:\d+: AppProject\/services spec\.\w+: /);
    t.end();
  });

t.test("nothing keeps services out of Argo CD's namespace", (t) => {
  const [policy, binding] = GUARD as [KubernetesObject, KubernetesObject];
  const warns = { ...binding, spec: { ...(binding.spec as object), validationActions: ['Warn'] } };
  const elsewhere = { ...binding, spec: { ...(binding.spec as object), matchResources: {} } };
  const ignored = { ...policy, spec: { failurePolicy: 'Ignore' } };
  for (const guard of [[], [policy], [policy, warns], [policy, elsewhere], [ignored, binding]])
    t.ok(
      problems(SERVICES, ROOT, guard).some((problem) => problem.includes('a developer must not write to argocd')),
      JSON.stringify(guard),
    );
  t.end();
});

t.test("root's own project is held to the same", (t) => {
  const [first] = ROOT.clusterResourceWhitelist ?? [];
  const namespace = object('v1', 'Namespace', 'orders');
  t.match(forbiddenByProjects(fleetWith(SERVICES, ROOT, [...GUARD, namespace]), context), [
    /Namespace\/orders kind: AppProject root does not allow Namespace in its clusterResourceWhitelist; allow it in argocd\/root\/templates\/project\.yaml, and run `make apply` for each cluster before this is merged: .* nothing of the commit$/,
  ]);
  t.match(
    problems(SERVICES, {
      ...ROOT,
      clusterResourceWhitelist: [...(ROOT.clusterResourceWhitelist ?? []), { ...first, name: 'gone' } as never],
    }),
    [
      /^argocd\/root\/templates\/\w+\.yaml:\d+: AppProject\/root spec\.clusterResourceWhitelist: no Application of it renders .* gone$/,
    ],
  );
  t.match(problems(SERVICES, { ...ROOT, sourceRepos: [] }), []);
  t.match(forbiddenByProjects(fleetWith(SERVICES, { ...ROOT, sourceRepos: [] }), context), [
    /AppProject root does not allow the repository/,
  ]);
  const inOtherList = [...(ROOT.namespaceResourceWhitelist ?? []), { group: '', kind: 'Namespace' }];
  t.match(
    forbiddenByProjects(
      fleetWith(SERVICES, { ...ROOT, namespaceResourceWhitelist: inOtherList }, [...GUARD, namespace]),
      context,
    ),
    [/Namespace\/orders kind: AppProject root does not allow Namespace in its clusterResourceWhitelist/],
    'a grant of the other list counts nothing',
  );
  t.end();
});

t.test('what a chart that is not on this machine would use is not judged', (t) => {
  const fleet = fleetWith(with_({ namespaceResourceWhitelist: [{ group: 'batch', kind: 'CronJob' }] }));
  const missing = application('other', 'other', [], 'services');
  t.strictSame(wrongGrants([...fleet, { ...missing, rendered: { ok: false, error: 'no chart' } }], context), []);
  t.end();
});
