import {
  argocdValueFiles,
  clusterFacts,
  clusterNames,
  clusterSecret,
  type ClusterSettings,
  readCluster,
} from '@gitops/settings';
import { argocdChart } from '@gitops/tools/charts';
import { ARGOCD_VERSION } from '@gitops/tools/tools';
import type { KubernetesObject } from '../kubernetes/object.ts';
import { type Chart, chartOf } from './chart.ts';
import type { Application, Outcome, Renderer, RenderRequest } from './renderer.ts';

/** An Application of a cluster, with what Argo CD would apply for it. */
export interface FleetApplication {
  readonly cluster: ClusterSettings;
  readonly application: Application;
  /** Its Helm chart; undefined where it renders plain manifests alone. */
  readonly chart: Chart | undefined;
  /** Whether CDKTF installs it: no project allows it, and no push refreshes it. */
  readonly isInstalled: boolean;
  /** What the application controller would ask for; ask again with other values to see what they change. */
  readonly request: RenderRequest;
  /** The objects, or why there are none. */
  readonly rendered: Outcome<KubernetesObject[]>;
}

/** What a cluster offers to Helm. */
export interface Capabilities {
  readonly kubeVersion: string;
  readonly apiVersions: readonly string[];
}

export interface FleetOptions {
  /** Only these clusters; all by default. */
  readonly clusters?: readonly string[];
  /** What a cluster of this minor version, such as `1.36`, tells Helm of itself. */
  readonly capabilities: (kubernetesMinor: string) => Capabilities;
}

/** The name that an Application goes by in messages: production/fastify-service. */
export const labelOf = ({ cluster, application }: Pick<FleetApplication, 'cluster' | 'application'>): string =>
  `${cluster.name}/${application.metadata.name}`;

const isKind =
  (kind: string) =>
  (object: KubernetesObject): boolean =>
    object.kind === kind && object.apiVersion.startsWith('argoproj.io/');

/** argocd/root does not render, so that nothing is known of what it would lead to. */
export class RootError extends Error {}

/**
 * Renders everything that Argo CD would deploy to every cluster, the way it comes about there: whoever installs a
 * cluster renders argocd/root, whose Application leads to ApplicationSets, whose Applications lead to charts. With it
 * comes Argo CD itself, where CDKTF installs it from its chart. Throws SettingsError for wrong settings, and RootError
 * for a root that does not render; all else is told Application by Application.
 */
export async function renderFleet(
  renderer: Renderer,
  root: string,
  { clusters = clusterNames(root), capabilities }: FleetOptions,
): Promise<FleetApplication[]> {
  const settings = clusters.map((name) => readCluster(root, name));
  const requestFor = (cluster: ClusterSettings, application: Application): RenderRequest => ({
    application,
    ...capabilities(cluster.kubernetesVersion),
  });
  const render = async (
    applications: readonly (Pick<FleetApplication, 'cluster' | 'application'> &
      Partial<Pick<FleetApplication, 'isInstalled'>>)[],
  ): Promise<FleetApplication[]> => {
    const requested = applications.map((entry) => ({
      isInstalled: false,
      ...entry,
      chart: chartOf(root, entry.application, renderer.charts),
      request: requestFor(entry.cluster, entry.application),
    }));
    const outcomes = await renderer.render(
      root,
      requested.map(({ request }) => request),
    );
    return outcomes.map((rendered, index) => ({ ...at(requested, index), rendered }));
  };

  const installed = await render(settings.map((cluster) => ({ cluster, application: rootInstallation(cluster) })));
  const argocd = settings.flatMap((cluster) =>
    cluster.provider === 'aws' ? [{ cluster, application: argocdInstallation(cluster), isInstalled: true }] : [],
  );
  const roots = await render(
    installed.flatMap(({ cluster, rendered }) => {
      if (!rendered.ok) throw new RootError(`does not render for ${cluster.name}: ${rendered.error}`);
      return rendered.value
        .filter(isKind('Application'))
        .map((application) => ({ cluster, application: application as Application }));
    }),
  );
  const sets = roots.flatMap(({ cluster, rendered }) =>
    rendered.ok
      ? rendered.value.filter(isKind('ApplicationSet')).map((applicationSet) => ({ cluster, applicationSet }))
      : [],
  );
  const generated = await renderer.generate(
    sets.map(({ cluster, applicationSet }) => ({ applicationSet, secrets: [clusterSecret(clusterFacts(cluster))] })),
  );
  const failures: FleetApplication[] = [];
  const applications = generated.flatMap((outcome, index) => {
    const { cluster, applicationSet } = at(sets, index);
    if (outcome.ok) return outcome.value.map((application) => ({ cluster, application: withKind(application) }));
    // Named as its ApplicationSet: there is no Application that could be named.
    const application = { ...applicationSet, spec: { project: '', destination: {} } } as Application;
    failures.push({
      cluster,
      application,
      chart: undefined,
      isInstalled: false,
      request: requestFor(cluster, application),
      rendered: { ok: false, error: `ApplicationSet ${applicationSet.metadata.name}: ${outcome.error}` },
    });
    return [];
  });
  return [...roots, ...(await render([...argocd, ...applications])), ...failures].sort((a, b) =>
    labelOf(a).localeCompare(labelOf(b)),
  );
}

/** The renderer answers in the order in which it was asked. */
function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error('the renderer gave another number of answers than it was asked for');
  return item;
}

// Go leaves the kind of an object out that it made itself.
const withKind = (application: Application): Application => ({
  ...application,
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
});

/** The call by which CDKTF, or packages/local, installs argocd/root into a cluster, as an Application. */
function rootInstallation(cluster: ClusterSettings): Application {
  const { repoURL, repoRevision } = clusterFacts(cluster).annotations;
  const parameters = [
    { name: 'repoURL', value: repoURL, forceString: true },
    { name: 'revision', value: repoRevision, forceString: true },
  ];
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'root', namespace: 'argocd' },
    spec: {
      project: 'root',
      destination: { namespace: 'argocd' },
      source: { repoURL, targetRevision: repoRevision, path: 'argocd/root', helm: { parameters } },
    },
  };
}

/**
 * The call by which CDKTF installs Argo CD into a cluster, as an Application; on one machine there is no chart. The
 * cluster's Secret, which CDKTF adds, is left out.
 */
function argocdInstallation(cluster: ClusterSettings): Application {
  const { repoURL: home, repoRevision } = clusterFacts(cluster).annotations;
  const { repoURL, chart, version } = argocdChart();
  const valueFiles = argocdValueFiles(cluster.name).map((file) => `$values/${file}`);
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'argocd', namespace: 'argocd' },
    spec: {
      project: 'root',
      destination: { namespace: 'argocd' },
      sources: [
        {
          repoURL,
          chart,
          targetRevision: version,
          helm: {
            releaseName: 'argocd',
            valueFiles,
            parameters: [{ name: 'global.image.tag', value: `v${ARGOCD_VERSION}`, forceString: true }],
          },
        },
        { repoURL: home, targetRevision: repoRevision, ref: 'values' },
      ],
    },
  };
}
