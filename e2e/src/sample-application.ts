import { APP } from './stack.ts';

// An Application whose files and maker a drill writes as it needs them.

/** A namespace beside that of the service. */
export const ELSEWHERE = 'sample-elsewhere';

interface Fields {
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

const object = (apiVersion: string, kind: string, name: string, fields: Fields = {}): object => {
  const { namespace, annotations, ...rest } = fields;
  return { apiVersion, kind, metadata: { name, namespace, annotations }, ...rest };
};
export const configMap = (name: string, value = '1', fields: Fields = {}): object =>
  object('v1', 'ConfigMap', name, { ...fields, data: { value } });
export const service = (name: string, port = 80, fields: Fields = {}): object =>
  object('v1', 'Service', name, { ...fields, spec: { selector: { app: name }, ports: [{ name: 'http', port }] } });
export const argo = (values: Record<string, string>): Fields => ({
  annotations: Object.fromEntries(Object.entries(values).map(([key, value]) => [`argocd.argoproj.io/${key}`, value])),
});

const container = (value: string): object => ({
  ...{ name: 'sample', image: 'registry.internal/sample:1', env: [{ name: 'VALUE', value }] },
  securityContext: {
    ...{ allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 1000, capabilities: { drop: ['ALL'] } },
    seccompProfile: { type: 'RuntimeDefault' },
  },
});
export const deployment = (name: string, value = '1', selector = name): object =>
  object('apps/v1', 'Deployment', name, {
    spec: {
      selector: { matchLabels: { app: selector } },
      template: { metadata: { labels: { app: selector } }, spec: { containers: [container(value)] } },
    },
  });
export const job = (value: string): object =>
  object('batch/v1', 'Job', 'job', {
    ...argo({ 'sync-options': 'Force=true,Replace=true' }),
    spec: { template: { spec: { restartPolicy: 'Never', containers: [container(value)] } } },
  });

/** What makes an Application of a folder of charts/. */
export interface Maker {
  readonly set?: string;
  readonly name?: string;
  readonly folder?: string;
  readonly project?: string;
  readonly namespace?: string;
  readonly syncPolicy?: object;
  /** Of the sync, besides server-side apply. */
  readonly options?: readonly string[];
  /** What becomes of an Application that the set no longer lists. */
  readonly policy?: string;
  /** A controller: only clusters that have it get the Application. */
  readonly label?: string;
  readonly finalizers?: readonly string[];
}

const applicationSet = ({
  name = 'sample',
  set = name,
  folder = 'sample',
  project = 'sample',
  namespace = APP,
  syncPolicy = { automated: { prune: true, selfHeal: true } },
  options = ['FailOnSharedResource=true'],
  policy = 'create-update',
  label,
  finalizers,
}: Maker): object => ({
  ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', metadata: { name: set, namespace: 'argocd' } },
  spec: {
    goTemplate: true,
    goTemplateOptions: ['missingkey=error'],
    generators: [
      {
        clusters: {
          selector: {
            matchLabels: {
              'argocd.argoproj.io/secret-type': 'cluster',
              ...(label === undefined ? {} : { [label]: 'enabled' }),
            },
          },
        },
      },
    ],
    syncPolicy: { applicationsSync: policy, preserveResourcesOnDeletion: finalizers === undefined },
    ignoreApplicationDifferences: [{ jsonPointers: ['/spec/syncPolicy/automated/enabled'] }],
    template: {
      metadata: { name, namespace: 'argocd', finalizers },
      spec: {
        ...{ project, destination: { server: 'https://kubernetes.default.svc', namespace } },
        source: {
          repoURL: '{{ .metadata.annotations.repoURL }}',
          targetRevision: '{{ .metadata.annotations.repoRevision }}',
          path: `charts/${folder}`,
        },
        syncPolicy: {
          ...syncPolicy,
          syncOptions: ['ServerSideApply=true', ...options],
          // As those of this repository: a retry uses the newest commit.
          retry: { refresh: true, limit: 5, backoff: { duration: '2s', factor: 2, maxDuration: '10s' } },
        },
      },
    },
  },
});

export const KINDS = ['/ConfigMap', '/Service', 'apps/Deployment', 'batch/Job'];

/** An AppProject that root renders from its chart: the address of the repository is a value of it. */
const projectOf = (name: string, kinds: readonly string[]): string =>
  JSON.stringify({
    ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject' },
    metadata: { name, namespace: 'argocd', annotations: { 'argocd.argoproj.io/sync-wave': '-1' } },
    spec: {
      sourceRepos: ['{{ .Values.repoURL }}'],
      destinations: [APP, ELSEWHERE].map((namespace) => ({ server: 'https://kubernetes.default.svc', namespace })),
      clusterResourceWhitelist: [],
      namespaceResourceWhitelist: kinds.map((each) => {
        const [group = '', kind = ''] = each.split('/');
        return { group, kind };
      }),
    },
  });

const documents = (...objects: readonly object[]): string =>
  objects.map((each) => JSON.stringify(each)).join('\n---\n');

/** The files of a state: by their paths, each with what writes it. */
export const objects = (list: readonly object[], folder = 'sample'): Record<string, () => string> => ({
  [`charts/${folder}/objects.yaml`]: () => documents(...list),
});
export const makers = (...list: readonly Maker[]): Record<string, () => string> => ({
  'argocd/applications/sample.yaml': () => documents(...list.map(applicationSet)),
});
export const project = (kinds: readonly string[] = KINDS, name = 'sample'): Record<string, () => string> => ({
  [`argocd/projects/templates/${name}.yaml`]: () => projectOf(name, kinds),
});
