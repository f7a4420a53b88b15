import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { LocalChart } from '@gitops/tools/charts';
import type { Tools } from '@gitops/tools/tools';
import type { KubernetesObject } from '../kubernetes/object.ts';

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
    /** What the cluster decides: neither compared nor, here, rendered. */
    readonly ignoreDifferences?: readonly { readonly kind: string; readonly name?: string }[];
  };
}

/** The sources of an Application, one or several. */
export const sourcesOf = ({ spec }: Application): readonly Source[] =>
  spec.sources ?? (spec.source === undefined ? [] : [spec.source]);

/** What the application controller asks repo-server for. */
export interface RenderRequest {
  readonly application: Application;
  /** As the cluster reports it, `v1.36.3`. */
  readonly kubeVersion: string;
  /** `v1`, `apps/v1`, `apps/v1/Deployment` and so on, as Argo CD hands them to Helm. */
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

/** How Argo CD sees an object: Healthy, Progressing, Degraded and so on, and its words on why. */
export interface Health {
  readonly status: string;
  readonly message: string;
}

/** The answer to one request: a result, or Argo CD's own words on why there is none. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

/** Argo CD's rendering as a running program, for any number of requests. The program is packages/tools/go/render. */
export interface Renderer {
  /** The upstream charts that it can render. */
  readonly charts: readonly LocalChart[];
  /**
   * The manifests of Applications, without what their ignoreDifferences name, rendered side by side; equal requests of
   * one call are rendered once, as those of the root of clusters that have one version and follow one branch. Answers
   * in the order of the requests.
   * @param root the repository's folder, which stands for the clone that repo-server would make
   */
  render(root: string, requests: readonly RenderRequest[]): Promise<Outcome<KubernetesObject[]>[]>;
  /** The Applications that ApplicationSets make. */
  generate(requests: readonly GenerateRequest[]): Promise<Outcome<Application[]>[]>;
  /** What Kubernetes' own Pod Security admission says of objects; empty for those without pods. */
  podSecurity(requests: readonly PodSecurityRequest[]): Promise<Outcome<string[]>[]>;
  /** What health checks say of objects, in Argo CD's own Lua machine. */
  health(requests: readonly HealthRequest[]): Promise<Outcome<Health>[]>;
  close(): Promise<void>;
}

interface Answer {
  readonly error?: string;
  readonly renders: readonly { readonly manifests: KubernetesObject[]; readonly error?: string }[];
  readonly generates: readonly { readonly applications: Application[]; readonly error?: string }[];
  readonly podSecurity: readonly { readonly violations: string[]; readonly error?: string }[];
  readonly healths: readonly (Health & { readonly error?: string })[];
}

const outcome = <T>(value: T, error: string | undefined): Outcome<T> =>
  error === undefined ? { ok: true, value } : { ok: false, error };

/**
 * Starts Argo CD's renderer. Whoever starts it closes it.
 * @param charts upstream charts, from ensureCharts; an Application of any other does not render
 */
export function startRenderer(tools: Pick<Tools, 'bin'>, charts: readonly LocalChart[] = []): Renderer {
  const program = `${tools.bin}/argocd-render`;
  const child = spawn(program, [], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Little of the user's own environment, as in packages/local: a personal Helm or Git configuration changes nothing.
    // GOGC: it lives for seconds; collecting its garbage a quarter as often saves an eighth of them.
    env: {
      PATH: `${tools.bin}:${process.env.PATH ?? ''}`,
      TMPDIR: process.env.TMPDIR ?? '/tmp',
      HOME: '/nonexistent',
      GOGC: '400',
      ARGOCD_GPG_ENABLED: 'false',
    },
  });
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-2000)));
  child.stdin.on('error', () => undefined); // told by the end of the program
  const waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line) as Answer));
  const ended = once(child, 'close').catch(() => undefined);
  let end: Error | undefined;
  const fail = (error: Error): void => {
    end = error;
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  child.on('error', fail);
  child.on('close', (code) => {
    fail(new Error(`${program} ended with ${String(code)}: ${lastWords.trim()}`));
  });

  const ask = async (request: object): Promise<Answer> => {
    if (end !== undefined) throw end;
    const answer = await new Promise<Answer>((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  };

  return {
    charts,
    render: async (repository, requests) => {
      const keys = requests.map((request) => JSON.stringify(request));
      const different = [...new Set(keys)];
      const { renders } = await ask({
        repository,
        charts,
        renders: different.map((key) => requests[keys.indexOf(key)]),
      });
      const answers = new Map(
        renders.map(({ manifests, error }, index) => [different[index], outcome(manifests, error)]),
      );
      return keys.map((key) => answers.get(key) ?? { ok: false, error: 'the renderer gave no answer' });
    },
    generate: async (generates) =>
      (await ask({ generates })).generates.map(({ applications, error }) => outcome(applications, error)),
    podSecurity: async (podSecurity) =>
      (await ask({ podSecurity })).podSecurity.map(({ violations, error }) => outcome(violations, error)),
    health: async (healths) =>
      (await ask({ healths })).healths.map(({ status, message, error }) => outcome({ status, message }, error)),
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
