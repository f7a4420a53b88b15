import { type Context, idFromName, type Kinds, text, type ThingContext } from './kind.ts';

// Helm releases in an EKS cluster, in the words of the provider (hashicorp/terraform-provider-helm v3.1.1,
// helm/resource_helm_release.go) and of Helm. Known: who may enter the cluster, namespaces, that Argo CD's kinds come
// with its own chart, and what a release allows that another operation has not finished. Not known: what a chart
// renders, and whether it would come up.

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
  if (found === undefined) fail('installation failed', `create: failed to create: namespaces "${namespace}" not found`);
}

function checkArgoCd({ values, find, fail }: Context): void {
  if (!text(values, 'chart').includes('root')) return;
  const argocd = find(
    'helm_release',
    (release) => release.values.chart === 'argo-cd' && release.values.cluster === values.cluster,
  );
  if (argocd === undefined)
    fail(
      'installation failed',
      'unable to build kubernetes objects from release manifest: resource mapping not found: ' +
        'no matches for kind "Application" in version "argoproj.io/v1alpha1" ensure CRDs are installed first',
    );
}

/** A name is in use, whatever became of the release that has it. */
function checkName({ values, find, fail }: Context): void {
  const isSame = (other: { values: Context['values'] }): boolean =>
    ['name', 'namespace', 'cluster'].every((name) => other.values[name] === values[name]);
  if (find('helm_release', isSame) !== undefined)
    fail('installation failed', 'cannot re-use a name that is still in use');
}

function checkFinished({ thing, fail }: ThingContext): void {
  if (text(thing.values, 'status').startsWith('pending-'))
    fail('Error upgrading chart', 'Upgrade failed: another operation (install/upgrade/rollback) is in progress');
}

export const helm: Kinds = {
  helm_release: {
    id: idFromName,
    importId: ({ id, values }) => `${text(values, 'namespace')}/${id}`,
    fixed: ['name', 'namespace'],
    failsImport: (id) => [
      'Error getting release',
      `Unable to get Helm release ${id.replace(/^.*\//, '')}: release: not found`,
    ],
    planned: { status: 'deployed' },
    checkUpdate: checkFinished,
    checkCreate: (context) => {
      checkAccess(context);
      checkName(context);
      checkNamespace(context);
      checkArgoCd(context);
    },
    computed: ['id', 'metadata', 'status'],
    fill: ({ values }) => ({ metadata: [], status: 'deployed', cluster: values.cluster }),
  },
};
