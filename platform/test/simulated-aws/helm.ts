import { type Context, idFromName, type Kinds, text } from './kind.ts';

// Helm releases in an EKS cluster. Known: who may enter the cluster, namespaces, and that Argo CD's kinds come with its
// own chart. Not known: what a chart renders, and whether it would come up.

function checkAccess({ values, all, fail }: Context): void {
  const admin = all('aws_eks_access_policy_association').find(
    (association) =>
      association.values.cluster_name === values.cluster &&
      text(association.values, 'policy_arn').endsWith('/AmazonEKSClusterAdminPolicy'),
  );
  if (admin === undefined)
    fail('Kubernetes cluster unreachable', 'the server has asked for the client to provide credentials');
}

function checkNamespace({ values, cloud, caller, find, fail }: Context): void {
  const namespace = text(values, 'namespace');
  if (values.create_namespace === true)
    cloud.plant('kubernetes_namespace', { id: namespace, cluster: values.cluster }, caller);
  const found = find(
    'kubernetes_namespace',
    (thing) => thing.id === namespace && thing.values.cluster === values.cluster,
  );
  if (found === undefined) fail('create: failed to create', `namespaces "${namespace}" not found`);
}

function checkArgoCd({ values, find, fail }: Context): void {
  if (!text(values, 'chart').includes('root')) return;
  const argocd = find(
    'helm_release',
    (release) => release.values.chart === 'argo-cd' && release.values.cluster === values.cluster,
  );
  if (argocd === undefined)
    fail(
      'unable to build kubernetes objects',
      'no matches for kind "Application" in version "argoproj.io/v1alpha1": ensure CRDs are installed first',
    );
}

export const helm: Kinds = {
  helm_release: {
    id: idFromName,
    importId: ({ id, values }) => `${text(values, 'namespace')}/${id}`,
    fixed: ['name', 'namespace'],
    existsError: 'cannot re-use a name that is still in use',
    checkCreate: (context) => {
      checkAccess(context);
      checkNamespace(context);
      checkArgoCd(context);
    },
    computed: ['id', 'metadata', 'status'],
    fill: ({ values }) => ({ metadata: [], status: 'deployed', cluster: values.cluster }),
  },
};
