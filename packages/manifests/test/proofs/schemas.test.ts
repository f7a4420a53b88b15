import t from 'tap';
import { progressTo } from '@gitops/report/progress';
import { readCluster } from '@gitops/settings';
import { ensureSchemas, KUBERNETES_MINORS } from '@gitops/tools/schemas';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { schemaProblems } from '../../src/proofs/schemas.ts';
import type { FleetApplication } from '../../src/render/fleet.ts';
import type { Application, Renderer } from '../../src/render/renderer.ts';
import { root } from '../helper.ts';

const schemas = await ensureSchemas(progressTo());
const renderer = {} as Renderer; // nothing is rendered
const context = { root, schemas, renderer, tools: { bin: '' } };

/** An Application of the cluster dev that renders one object. */
function rendering(object: KubernetesObject): FleetApplication {
  const application: Application = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'x' },
    spec: { project: 'x', destination: { namespace: 'x' } },
  };
  return {
    cluster: readCluster(root, 'dev'),
    application,
    chart: undefined,
    request: { application, kubeVersion: 'v1.36.3', apiVersions: [] },
    rendered: { ok: true, value: [object] },
  };
}

const pod = (spec: object): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'web' }], ...spec },
});

t.test('every supported version of Kubernetes is asked, and named', (t) => {
  t.same(schemaProblems([rendering(pod({}))], context), []);
  t.match(
    schemaProblems([rendering(pod({ nodeNam: 'x' }))], context),
    KUBERNETES_MINORS.map((minor) => `dev/x Pod/web: spec.nodeNam: unknown field of PodSpec [Kubernetes ${minor}]`),
  );
  const young = schemaProblems([rendering(pod({ hostnameOverride: 'web' }))], context);
  t.match(young, [/\[Kubernetes 1\.33\]$/]);
  t.equal(young.length, 1);
  t.end();
});

t.test('a kind that only newer versions serve is a problem of clusters with an older one', (t) => {
  const policy: KubernetesObject = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name: 'x' },
    spec: { policyName: 'x' },
  };
  const found = (kubernetesVersion: string): string[] => {
    const entry = rendering(policy);
    return schemaProblems([{ ...entry, cluster: { ...entry.cluster, kubernetesVersion } }], context);
  };
  t.same(found('1.36'), []);
  t.match(
    found('1.35'),
    ['1.33', '1.34', '1.35'].map((minor) => `unknown kind in Kubernetes ${minor}`),
  );
  t.end();
});

t.test('an object that several Applications share is a problem of each', (t) => {
  const shared = pod({ nodeNam: 'x' });
  const found = schemaProblems([rendering(shared), rendering(shared)], context);
  t.equal(found.length, 2 * KUBERNETES_MINORS.length);
  t.end();
});
