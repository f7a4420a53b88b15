import { CommandError } from '@gitops/report/errors';
import { clusterNames } from '@gitops/settings';
import { FIRST_SERVICE, serviceFolder } from '@gitops/settings/services';
import { codeOf } from './code.ts';
import { LISTS } from './lists.ts';
import { clusterValues, FIRST_IMAGE, sharedValues } from './values.ts';
import { textOf } from './work-tree.ts';

/** A file that a service has for itself. */
export interface OwnFile {
  readonly file: string;
  readonly why: string;
  readonly text: string;
}

const CHART = 'charts/fastify-service';

/** The text of a file of the first service, about another one. The chart keeps its name: it is every service's. */
function renamed(root: string, file: string, name: string): string {
  const text = textOf(root, file);
  if (text === undefined) throw new CommandError(`${file} is missing`, 'restore it; nothing was written');
  return text
    .split(CHART)
    .map((part) => part.replaceAll(FIRST_SERVICE, name))
    .join(CHART);
}

/** The ApplicationSet of a service, as that of the first one is now. */
const applicationSet = (root: string, name: string): string =>
  renamed(root, `argocd/applications/${FIRST_SERVICE}.yaml`, name).replace(
    /^( +)limit: -?\d+$/m,
    '$1# Twice as often as the first service: its namespace comes from another Application, which nothing here waits for.\n$1limit: 10',
  );

/** The workflow that releases a service, as that of the first one is now. */
function releaseWorkflow(root: string, name: string): string {
  const own = ['src/**', 'package.json', 'tsconfig.json'].map((path) => `      - ${serviceFolder(name)}/${path}\n`);
  return renamed(root, '.github/workflows/release.yml', name)
    .replace('name: release\n', `name: release ${name}\n`)
    .replace('group: release-$', `group: release-${name}-$`)
    .replace('    paths:\n', `    paths:\n${own.join('')}`);
}

const namespaceSet = (name: string): string => `# The namespace of ${name}, which root's own project does not allow.
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: ${name}-namespace
  namespace: argocd
  annotations:
    # Before the ApplicationSet of the service, and pruned after it.
    argocd.argoproj.io/sync-wave: "0"
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
    - clusters:
        selector:
          matchLabels:
            argocd.argoproj.io/secret-type: cluster
  syncPolicy:
    # Neither a generator without results nor a file that is deleted by mistake takes the namespace along. A removal sets "sync" and
    # "false" first.
    applicationsSync: create-update
    preserveResourcesOnDeletion: true
  ignoreApplicationDifferences:
    - jsonPointers:
        - /spec/syncPolicy/automated/enabled
  template:
    metadata:
      name: ${name}-namespace
      namespace: argocd
      annotations:
        argocd.argoproj.io/manifest-generate-paths: /argocd/service-namespace
    spec:
      project: ${name}-namespace
      destination:
        server: https://kubernetes.default.svc
        namespace: ${name}
      source:
        repoURL: "{{ .metadata.annotations.repoURL }}"
        targetRevision: "{{ .metadata.annotations.repoRevision }}"
        path: argocd/service-namespace
      syncPolicy:
        automated:
          prune: true
          selfHeal: true
        syncOptions:
          - ApplyOutOfSyncOnly=true
          - FailOnSharedResource=true
          - ServerSideApply=true
          - Validate=false
        retry:
          refresh: true
          # Retry without limit: on a new cluster nothing else would start the sync again.
          limit: -1
          backoff:
            duration: 2s
            factor: 2
            maxDuration: 1m
`;

/** All files that a service has for itself, as they are when it is new, in the order in which a reader needs them. */
export function ownFiles(root: string, name: string): OwnFile[] {
  const clusters = clusterNames(root);
  const code = codeOf(name).map(({ path, ...rest }) => ({ file: `${serviceFolder(name)}/${path}`, ...rest }));
  return [
    ...code,
    {
      file: `argocd/applications/${name}.yaml`,
      why: `its ApplicationSet: that of ${FIRST_SERVICE} with another name`,
      text: applicationSet(root, name),
    },
    {
      file: `argocd/applications/${name}-namespace.yaml`,
      why: 'its namespace, by a merge alone',
      text: namespaceSet(name),
    },
    { file: `clusters/shared/${name}.yaml`, why: 'values that its clusters share', text: sharedValues(name) },
    ...clusters.map((cluster) => ({
      file: `clusters/${cluster}/${name}.yaml`,
      why: 'host and size in this cluster',
      text: clusterValues(root, cluster, name),
    })),
    ...clusters.map((cluster) => ({
      file: `clusters/${cluster}/${name}.image.yaml`,
      why: 'a place for tag, digest and platforms, which the first release fills in',
      text: FIRST_IMAGE,
    })),
    {
      file: `.github/workflows/release-${name}.yml`,
      why: 'a merge that changes it, or the parts that it shares, releases it',
      text: releaseWorkflow(root, name),
    },
  ];
}

/** The files of all services that name each of them. */
export const listFiles = LISTS.map(({ file }) => file);
