import { type Context, idFromName, type Kinds, text, type ThingContext } from './kind.ts';

// Helm releases in an EKS cluster, in the words of the provider and of Helm: each was heard from the real provider
// (hashicorp/terraform-provider-helm, tag v3.1.1, with Helm 3.18.4, run by OpenTofu 1.12.6 against a kube-apiserver
// 1.36.3), and its helm/resource_helm_release.go says why. Known: who may enter the cluster, namespaces, that Argo CD's
// kinds come with its own chart, what a release allows that another operation has not finished, and that the provider
// takes what it cannot read for gone. Not known: what a chart renders, and whether it would come up.

const hasEntry = ({ values, all }: Context): boolean =>
  all('aws_eks_access_policy_association').some(
    (association) =>
      association.values.cluster_name === values.cluster &&
      text(association.values, 'policy_arn').endsWith('/AmazonEKSClusterAdminPolicy'),
  );

function checkAccess(context: Context): void {
  if (!hasEntry(context))
    context.fail(
      'installation failed',
      'Kubernetes cluster unreachable: the server has asked for the client to provide credentials',
    );
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
  const unknown = ['AppProject', 'Application'].map(
    (kind) =>
      'resource mapping not found for name: "root" namespace: "argocd" from "": ' +
      `no matches for kind "${kind}" in version "argoproj.io/v1alpha1"\nensure CRDs are installed first`,
  );
  if (argocd === undefined)
    fail('installation failed', `unable to build kubernetes objects from release manifest: [${unknown.join(', ')}]`);
}

/** A name is in use, whatever became of the release that has it. */
function checkName({ values, find, fail }: Context): void {
  const isSame = (other: { values: Context['values'] }): boolean =>
    ['name', 'namespace', 'cluster'].every((name) => other.values[name] === values[name]);
  if (find('helm_release', isSame) !== undefined)
    fail('installation failed', 'cannot re-use a name that is still in use');
}

function checkFinished({ thing, fail }: ThingContext): void {
  const status = text(thing.values, 'status');
  if (status.startsWith('pending-'))
    fail('Error upgrading chart', 'Upgrade failed: another operation (install/upgrade/rollback) is in progress');
  if (status === 'uninstalling')
    fail('Error upgrading chart', `Upgrade failed: "${thing.id}" has no deployed releases`);
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
    // Its Read drops every error of resourceReleaseExists.
    hides: (context) => !hasEntry(context),
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
