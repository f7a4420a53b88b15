import { clusterFacts, clusterNames, clusterSecret, type ClusterSettings, readCluster } from '@gitops/settings';
import type { KubernetesObject } from '../kubernetes/object.ts';
import { type Chart, chartOf } from './chart.ts';
import { rootInstallation } from './installations.ts';
import type { Application, Outcome, Renderer, RenderRequest } from './renderer.ts';
import { withSamplePullRequest } from './sample-pull-request.ts';

/** An Application of a cluster, with what Argo CD would apply for it. */
export interface FleetApplication {
  readonly cluster: ClusterSettings;
  readonly application: Application;
  /** The ApplicationSet that generates it; undefined for root and installations. */
  readonly applicationSet?: KubernetesObject;
  /** Its Helm chart; undefined if it renders only plain manifests. */
  readonly chart: Chart | undefined;
  /** What the application controller would ask for; ask again with other values to see what they change. */
  readonly request: RenderRequest;
  /** The objects, or why there are none. */
  readonly rendered: Outcome<KubernetesObject[]>;
  /** Of root: what its installer applies beside it, such as its AppProject. */
  readonly installedWith?: readonly KubernetesObject[];
}

/** What a cluster offers to Helm. */
export interface Capabilities {
  readonly kubeVersion: string;
  readonly apiVersions: readonly string[];
}

export interface FleetOptions {
  /** Only these clusters; all by default. */
  readonly clusters?: readonly string[];
  /** What is installed in the clusters, where that is not what the tree would install: before `make apply`. */
  readonly installed?: readonly FleetApplication[];
  /** The capabilities that Helm sees in a cluster of this minor version, such as `1.36`. */
  readonly capabilities: (kubernetesMinor: string) => Capabilities;
}

/** The name of an Application in messages: production/fastify-service. */
export const labelOf = ({ cluster, application }: Pick<FleetApplication, 'cluster' | 'application'>): string =>
  `${cluster.name}/${application.metadata.name}`;

/**
 * What a cluster starts from cannot be read or rendered, so that nothing is known about the Applications that it leads
 * to. The message begins with file and line.
 */
export class RootError extends Error {}

/**
 * Renders everything that Argo CD would deploy to every cluster, in the steps in which it comes about: the installation
 * of a cluster renders argocd/root, whose Application leads to ApplicationSets, which generate Applications: previews
 * for one made-up pull request. Throws SettingsError for wrong settings, and RootError for a root that does not render;
 * every other failure is in `rendered` of its Application.
 */
export async function renderFleet(
  renderer: Renderer,
  root: string,
  options: FleetOptions,
): Promise<FleetApplication[]> {
  const { capabilities } = options;
  const render = async (planned: readonly Planned[]): Promise<FleetApplication[]> =>
    renderAll(renderer, root, planned, options);

  const installed = options.installed ?? (await renderInstallations(renderer, root, options));
  const roots = await render(rootsOf(installed));
  const { applications, failures } = await generate(renderer, roots);
  const refused = failures.map(({ cluster, applicationSet, error }): FleetApplication => {
    // Named as its ApplicationSet: there is no Application that could be named.
    const application = { ...applicationSet, spec: { project: '', destination: {} } } as Application;
    return {
      cluster,
      application,
      applicationSet,
      chart: undefined,
      request: { application, ...capabilities(cluster.kubernetesVersion) },
      rendered: { ok: false, error: `ApplicationSet ${applicationSet.metadata.name}: ${error}` },
    };
  });
  const generated = await render(applications);
  const fleet = [...roots, ...generated, ...refused];
  return fleet.sort((a, b) => labelOf(a).localeCompare(labelOf(b)));
}

/**
 * What CDKTF or packages/local installs into every cluster before Argo CD syncs anything, and what no merge changes:
 * the chart argocd/root. Throws SettingsError for wrong settings.
 */
export async function renderInstallations(
  renderer: Renderer,
  root: string,
  options: FleetOptions,
): Promise<FleetApplication[]> {
  const clusters = (options.clusters ?? clusterNames(root)).map((name) => readCluster(root, name));
  const planned = clusters.map((cluster) => ({ cluster, application: rootInstallation(cluster) }));
  return renderAll(renderer, root, planned, options);
}

async function renderAll(
  renderer: Renderer,
  root: string,
  planned: readonly Planned[],
  { capabilities }: FleetOptions,
): Promise<FleetApplication[]> {
  const entries = planned.map(({ cluster, application, applicationSet, installedWith }) => ({
    cluster,
    application,
    ...(applicationSet !== undefined && { applicationSet }),
    ...(installedWith !== undefined && { installedWith }),
    chart: chartOf(root, application, renderer.charts),
    request: { application, ...capabilities(cluster.kubernetesVersion) },
  }));
  const requests = entries.map(({ request }) => request);
  const outcomes = await renderer.render(root, requests);
  return entries.map((entry, index) => ({ ...entry, rendered: at(outcomes, index) }));
}

/** An Application that is still to be rendered. */
interface Planned {
  readonly cluster: ClusterSettings;
  readonly application: Application;
  readonly applicationSet?: KubernetesObject;
  readonly installedWith?: readonly KubernetesObject[];
}

/** The Applications that the installation of argocd/root creates. */
function rootsOf(installed: readonly FleetApplication[]): Planned[] {
  const roots: Planned[] = [];
  for (const { cluster, rendered } of installed) {
    if (!rendered.ok)
      throw new RootError(
        `argocd/root/Chart.yaml:1: the chart: does not render for ${cluster.name}: ${rendered.error}`,
      );
    const isRoot = (object: KubernetesObject): boolean => isOfArgocd(object, 'Application');
    const installedWith = rendered.value.filter((object) => !isRoot(object));
    for (const object of rendered.value.filter(isRoot))
      roots.push({ cluster, application: object as Application, installedWith });
  }
  return roots;
}

interface ApplicationSet {
  readonly cluster: ClusterSettings;
  readonly applicationSet: KubernetesObject;
}

/** The Applications that the ApplicationSets of the roots generate, and the ApplicationSets that generate none. */
async function generate(
  renderer: Renderer,
  roots: readonly FleetApplication[],
): Promise<{ applications: Planned[]; failures: (ApplicationSet & { readonly error: string })[] }> {
  const sets: ApplicationSet[] = [];
  for (const { cluster, rendered } of roots)
    for (const object of rendered.ok ? rendered.value : [])
      if (isOfArgocd(object, 'ApplicationSet')) sets.push({ cluster, applicationSet: object });
  const outcomes = await renderer.generate(
    sets.map(({ cluster, applicationSet }) => ({
      applicationSet: withSamplePullRequest(applicationSet),
      secrets: [clusterSecret(clusterFacts(cluster))],
    })),
  );
  const applications: Planned[] = [];
  const failures: (ApplicationSet & { readonly error: string })[] = [];
  for (const [index, set] of sets.entries()) {
    const outcome = at(outcomes, index);
    if (outcome.ok)
      for (const application of outcome.value) applications.push({ ...set, application: withKind(application) });
    else failures.push({ ...set, error: outcome.error });
  }
  return { applications, failures };
}

const isOfArgocd = (object: KubernetesObject, kind: string): boolean =>
  object.kind === kind && object.apiVersion.startsWith('argoproj.io/');

/** The renderer answers in the order in which it was asked. */
function at<T>(answers: readonly T[], index: number): T {
  const answer = answers[index];
  if (answer === undefined) throw new Error('the renderer gave fewer answers than it was asked for');
  return answer;
}

// Go omits the kind of an object that it generates.
const withKind = (application: Application): Application => ({
  ...application,
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
});
