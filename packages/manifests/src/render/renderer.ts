import { type ChartName, isSameChart, type LocalChart, titleOf } from '@gitops/tools/charts';
import type { Tools } from '@gitops/tools/tools';
import type { KubernetesObject } from '../kubernetes/object.ts';
import { startProgram } from './program.ts';

/** One source of an Application; the fields that this package reads or sets. */
export interface Source {
  readonly repoURL: string;
  readonly targetRevision?: string;
  readonly path?: string;
  readonly chart?: string;
  readonly ref?: string;
  readonly helm?: {
    readonly releaseName?: string;
    readonly valueFiles?: readonly string[];
    readonly parameters?: readonly { readonly name: string; readonly value: string; readonly forceString?: boolean }[];
    /** Laid over the value files and below the parameters. */
    readonly valuesObject?: Readonly<Record<string, unknown>>;
  };
}

/** An Application of Argo CD. */
export interface Application extends KubernetesObject {
  readonly spec: {
    readonly project: string;
    readonly destination: { readonly server?: string; readonly namespace?: string };
    readonly source?: Source;
    readonly sources?: readonly Source[];
    /** Fields that the cluster decides: Argo CD does not compare them, and they are not rendered here. */
    readonly ignoreDifferences?: readonly { readonly kind: string; readonly name?: string }[];
  };
}

/** The sources of an Application, one or several. */
export const sourcesOf = ({ spec }: Application): readonly Source[] =>
  spec.sources ?? (spec.source === undefined ? [] : [spec.source]);

/** The chart that a source names, as it is on this machine. */
export const localChartOf = (source: Source, charts: readonly LocalChart[]): LocalChart | undefined =>
  charts.find((candidate) => isSameChart(candidate, chartNameOf(source)));

const chartNameOf = ({ repoURL, chart = '', targetRevision = '' }: Source): ChartName => ({
  ...{ repoURL, chart, version: targetRevision },
});

/** An upstream chart of an Application that is not on this machine; undefined where none is missing. */
function missingChart(application: Application, charts: readonly LocalChart[]): ChartName | undefined {
  const source = sourcesOf(application).find(
    (candidate) => candidate.chart !== undefined && localChartOf(candidate, charts) === undefined,
  );
  return source === undefined ? undefined : chartNameOf(source);
}

/** What the application controller asks repo-server for. */
export interface RenderRequest {
  readonly application: Application;
  /** As the cluster reports it, `v1.36.3`. */
  readonly kubeVersion: string;
  /** `v1`, `apps/v1`, `apps/v1/Deployment` and so on, as Argo CD passes them to Helm. */
  readonly apiVersions: readonly string[];
}

export interface GenerateRequest {
  readonly applicationSet: KubernetesObject;
  /** The Secrets of the clusters that Argo CD knows. */
  readonly secrets: readonly object[];
}

export interface PodSecurityRequest {
  readonly object: KubernetesObject;
  /** privileged, baseline or restricted; anything else is an error. */
  readonly level: string;
  /** Minor version of Kubernetes, `1.36`. */
  readonly version: string;
}

export interface HealthRequest {
  readonly object: KubernetesObject;
  /** In Lua, as Argo CD's settings hold it. */
  readonly script: string;
}

/** A sync window of a project; the fields that this package reads. */
export interface SyncWindow {
  readonly schedule: string;
  readonly duration: string;
  readonly timeZone: string;
  readonly description?: string;
}

/** Times are RFC 3339. */
export interface WindowsRequest {
  readonly windows: readonly SyncWindow[];
  /** When to look for active windows. */
  readonly from: string;
  readonly until: string;
  /** When to ask whether a sync may begin. */
  readonly moments?: readonly string[];
}

/** What sync windows do. Where one of them is wrong, nothing else is answered. */
export interface WindowsAnswer {
  /** Of each window: the field that is wrong, and why; an empty rule where all is well. */
  readonly problems: readonly { readonly field: string; readonly rule: string }[];
  /** When windows are active, in order, and which ones, by their index. */
  readonly stretches: readonly { readonly start: string; readonly end: string; readonly active: readonly number[] }[];
  /** Whether Argo CD itself may sync, and whether a person may. */
  readonly moments: readonly { readonly automated: boolean; readonly manual: boolean }[];
}

/** Questions to Argo CD's own code about the rights of its policies. */
export interface RightsRequest {
  /** The data of argocd-rbac-cm. */
  readonly settings: Readonly<Record<string, string>>;
  readonly questions: readonly (readonly [subject: string, resource: string, action: string, object: string])[];
}

/** How Argo CD judges an object: Healthy, Progressing, Degraded and so on, and its message. */
export interface Health {
  readonly status: string;
  readonly message: string;
}

/** Why there is no result: Argo CD's own error message, or an upstream chart that is not on this machine. */
export interface Failure {
  readonly ok: false;
  readonly error: string;
  /** Set where nothing is known to be wrong: the Application stays unchecked. */
  readonly missingChart?: ChartName;
}

/** The answer to one request: a result, or why there is none. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | Failure;

/** Argo CD's rendering as a running program, for any number of requests. The program is packages/tools/go/render. */
export interface Renderer {
  /** The upstream charts on this machine: no others can be rendered. */
  readonly charts: readonly LocalChart[];
  /**
   * The manifests of Applications, without what their ignoreDifferences name. Answers in the order of the requests.
   * Equal requests of one call are rendered once, such as those of the root for clusters of one version. Objects must
   * not be changed: equal large ones are one and the same.
   * @param root the repository's folder, in the role of repo-server's clone
   */
  render(root: string, requests: readonly RenderRequest[]): Promise<Outcome<KubernetesObject[]>[]>;
  /** The Applications that ApplicationSets generate. */
  generate(requests: readonly GenerateRequest[]): Promise<Outcome<Application[]>[]>;
  /** The violations that Kubernetes' own Pod Security admission finds; empty for those without pods. */
  podSecurity(requests: readonly PodSecurityRequest[]): Promise<Outcome<string[]>[]>;
  /** The results of health checks, in Argo CD's own Lua machine. */
  health(requests: readonly HealthRequest[]): Promise<Outcome<Health>[]>;
  /** What sync windows do at other moments than now, by Argo CD's own code. */
  windows(requests: readonly WindowsRequest[]): Promise<readonly WindowsAnswer[]>;
  /** Whether each question is answered with yes; a policy that Argo CD cannot read is a failure. */
  rights(requests: readonly RightsRequest[]): Promise<Outcome<readonly boolean[]>[]>;
  close(): Promise<void>;
}

interface Answer {
  readonly error?: string;
  /** Large objects that come for the first time, by their hash. */
  readonly large?: Readonly<Record<string, KubernetesObject>>;
  /** Objects; a large one as its hash. */
  readonly renders: readonly { readonly manifests: (KubernetesObject | string)[]; readonly error?: string }[];
  readonly generates: readonly { readonly applications: Application[]; readonly error?: string }[];
  readonly podSecurity: readonly { readonly violations: string[]; readonly error?: string }[];
  readonly healths: readonly (Health & { readonly error?: string })[];
  readonly windows: readonly WindowsAnswer[];
  readonly rights: readonly { readonly allowed: readonly boolean[] | null; readonly error?: string }[];
}

const outcome = <T>(value: T, error: string | undefined): Outcome<T> =>
  error === undefined ? { ok: true, value } : { ok: false, error };

const notOnThisMachine = (chart: ChartName): Failure => ({
  ok: false,
  error: `${titleOf(chart)} is not on this machine; run \`make charts\``,
  missingChart: chart,
});

/**
 * Starts Argo CD's renderer. Whoever starts it closes it.
 * @param charts upstream charts, from localCharts; an Application of any other stays unchecked
 */
export function startRenderer(tools: Pick<Tools, 'bin'>, charts: readonly LocalChart[] = []): Renderer {
  const large = new Map<string, KubernetesObject>();
  const program = startProgram<Answer>(
    `${tools.bin}/argocd-render`,
    // Little of the user's own environment, as in packages/local: a personal Helm or Git configuration changes nothing.
    // GOGC: the program lives for seconds; collecting its garbage a quarter as often saves an eighth of them.
    {
      PATH: `${tools.bin}:${process.env.PATH ?? ''}`,
      TMPDIR: process.env.TMPDIR ?? '/tmp',
      HOME: '/nonexistent',
      GOGC: '400',
      ARGOCD_GPG_ENABLED: 'false',
    },
    (answer) => {
      for (const [hash, object] of Object.entries(answer.large ?? {})) large.set(hash, object);
    },
  );
  const ask = async (request: object): Promise<Answer> => {
    const answer = await program.ask(request);
    if (answer.error !== undefined) throw new UnreadableError(answer.error);
    return answer;
  };
  const objectOf = (manifest: KubernetesObject | string): KubernetesObject => {
    if (typeof manifest !== 'string') return manifest;
    const object = large.get(manifest);
    if (object === undefined) throw new Error(`the renderer refers to object ${manifest}, which it has not sent`);
    return object;
  };
  const renderOne = async (repository: string, request: RenderRequest): Promise<Outcome<KubernetesObject[]>> => {
    const missing = missingChart(request.application, charts);
    if (missing !== undefined) return notOnThisMachine(missing);
    const [rendered] = (await ask({ repository, charts, renders: [request] })).renders;
    if (rendered === undefined) throw new Error('the renderer gave no answer');
    return outcome(rendered.manifests.map(objectOf), rendered.error);
  };

  const renderer: Renderer = {
    charts,
    render: async (repository, requests) => {
      const running = new Map<string, Promise<Outcome<KubernetesObject[]>>>();
      const answers = requests.map((request) => {
        const key = JSON.stringify(request);
        const answer = running.get(key) ?? renderOne(repository, request);
        running.set(key, answer);
        return answer;
      });
      return Promise.all(answers);
    },
    generate: async (generates) => {
      try {
        return (await ask({ generates })).generates.map(({ applications, error }) => outcome(applications, error));
      } catch (error) {
        if (!(error instanceof UnreadableError)) throw error;
        // One that Argo CD cannot read spoils the whole request.
        if (generates.length === 1) return [outcome([], error.message)];
        return (await Promise.all(generates.map(async (one) => renderer.generate([one])))).flat();
      }
    },
    podSecurity: async (podSecurity) =>
      (await ask({ podSecurity })).podSecurity.map(({ violations, error }) => outcome(violations, error)),
    health: async (healths) =>
      (await ask({ healths })).healths.map(({ status, message, error }) => outcome({ status, message }, error)),
    windows: async (windows) => (await ask({ windows })).windows,
    rights: async (rights) => (await ask({ rights })).rights.map(({ allowed, error }) => outcome(allowed ?? [], error)),
    close: async () => program.close(),
  };
  return renderer;
}

/** The program cannot read a request: an object in it has a field of another type than Argo CD's. */
class UnreadableError extends Error {}
