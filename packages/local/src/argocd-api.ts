import { CommandError, messageOf } from '@gitops/report/errors';
import { NAMESPACE } from './argocd-settings.ts';

/** The fields of an Application that this package reads. */
export interface Application {
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly project?: string;
    readonly syncPolicy?: { readonly automated?: { readonly enabled?: boolean } };
    readonly source?: Source;
    readonly sources?: readonly Source[];
  };
  readonly operation?: unknown;
  readonly status?: {
    readonly sync?: {
      readonly status?: string;
      readonly revision?: string;
      readonly revisions?: readonly string[];
      /** The spec that was compared. */
      readonly comparedTo?: { readonly source?: Source; readonly sources?: readonly Source[] };
    };
    readonly health?: { readonly status?: string; readonly message?: string };
    readonly reconciledAt?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly message: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly operationState?: {
      readonly phase: string;
      readonly message?: string;
      readonly startedAt?: string;
      readonly retryCount?: number;
      readonly syncResult?: { readonly revision?: string; readonly revisions?: readonly string[] };
    };
    readonly summary?: { readonly images?: readonly string[] };
    readonly history?: readonly HistoryEntry[];
    readonly resources?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly namespace?: string;
      readonly status?: string;
      /** Git no longer has it. */
      readonly requiresPruning?: boolean;
    }[];
  };
}

/** The fields of an ApplicationSet that this package reads. */
export interface ApplicationSet {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly syncPolicy?: { readonly applicationsSync?: string } };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  };
}

export interface Source {
  readonly repoURL: string;
  readonly path?: string;
  readonly chart?: string;
}

/** One successful deployment; Argo CD keeps the newest ten. */
export interface HistoryEntry {
  readonly id: number;
  readonly revision?: string;
  readonly revisions?: readonly string[];
  /** When its sync began; a sync that was interrupted and resumed keeps it. */
  readonly deployStartedAt?: string;
  readonly deployedAt: string;
  /** Who started the sync or the rollback; Argo CD itself where `automated`. */
  readonly initiatedBy?: { readonly username?: string; readonly automated?: boolean };
}

/** A sync window of a project. */
export interface SyncWindow {
  /** allow or deny. */
  readonly kind: string;
  /** When it begins, as cron has it. */
  readonly schedule: string;
  /** As Go writes it, `16h`. */
  readonly duration: string;
  readonly timeZone: string;
  readonly description?: string;
}

export interface ResourceNode {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly health?: { readonly status?: string; readonly message?: string };
}

/** Argo CD refused a call: its HTTP status and message. */
export class ArgoError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ArgoError';
    this.status = status;
  }
}

/** Argo CD's server does not answer, or its answer broke off; what was asked of it may have happened. */
export class UnreachableError extends CommandError {
  constructor(port: number, reason: unknown) {
    super(`Argo CD does not answer at 127.0.0.1:${port}: ${messageOf(reason)}`, 'run `make up`');
    this.name = 'UnreachableError';
  }
}

export interface ApplicationChange {
  /** ADDED, MODIFIED or DELETED. */
  readonly type: string;
  readonly application: Application;
}

export interface ArgoClient {
  isLoggedIn(): Promise<boolean>;
  login(username: string, password: string): Promise<string>;
  createToken(account: string): Promise<string>;
  applications(): Promise<Application[]>;
  application(name: string): Promise<Application>;
  resourceNodes(name: string): Promise<ResourceNode[]>;
  /** What repo-server renders for it, each manifest as JSON; at the tracked branch unless a commit is given. */
  manifests(name: string, revision?: string): Promise<string[]>;
  applicationSets(): Promise<ApplicationSet[]>;
  /** The Applications that an ApplicationSet makes now; it changes nothing. */
  generate(set: ApplicationSet): Promise<Application[]>;
  /**
   * The version and the APIs of its own cluster, as Argo CD passes them to Helm; undefined until its controller has
   * found them out.
   */
  capabilities(): Promise<{ kubeVersion: string; apiVersions: string[] } | undefined>;
  /** The sync windows of a project that are active now. */
  activeWindows(project: string): Promise<SyncWindow[]>;
  /** Compares with Git now, without waiting for the next webhook or poll. */
  refresh(name: string): Promise<Application>;
  sync(name: string): Promise<void>;
  /** Switches auto-sync to its other state: read the Application before and after. */
  toggleAutoSync(name: string): Promise<void>;
  rollback(name: string, id: number): Promise<void>;
  /** Ends a running sync; needs the right to sync. */
  terminateOperation(name: string): Promise<void>;
  /** Every change of any Application, beginning with all of them as they are. */
  watch(signal: AbortSignal): AsyncGenerator<ApplicationChange>;
}

/** The message in an answer of Argo CD: its field `message`, or all of it when it is no JSON. */
function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}

/** A line of the stream of changes; undefined when it holds none. */
function changeIn(line: string): ApplicationChange | undefined {
  return line.trim() === '' ? undefined : (JSON.parse(line) as { result?: ApplicationChange }).result;
}

/**
 * A client of Argo CD's HTTP API on loopback.
 * Its methods throw ArgoError when the server refuses, and UnreachableError when it does not answer.
 */
export function connect(port: number, token?: string): ArgoClient {
  const base = `http://127.0.0.1:${port}/api/v1`;
  const headers = {
    'Content-Type': 'application/json',
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  };
  const request = async (method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(`${base}${path}`, {
        ...{ method, headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new UnreachableError(port, error);
    }
    if (response.ok) return response;
    throw new ArgoError(response.status, messageIn(await response.text()));
  };
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
    (await (await request(method, path, body)).json()) as T;
  const at = (name: string): string => `/applications/${encodeURIComponent(name)}`;

  return {
    async isLoggedIn() {
      try {
        return (await call<{ loggedIn?: boolean }>('GET', '/session/userinfo')).loggedIn === true;
      } catch (error) {
        if (error instanceof ArgoError) return false;
        throw error;
      }
    },
    login: async (username, password) =>
      (await call<{ token: string }>('POST', '/session', { username, password })).token,
    createToken: async (account) => (await call<{ token: string }>('POST', `/account/${account}/token`, {})).token,
    applications: async () => (await call<{ items: Application[] | null }>('GET', '/applications')).items ?? [],
    application: async (name) => call('GET', at(name)),
    resourceNodes: async (name) =>
      (await call<{ nodes?: ResourceNode[] }>('GET', `${at(name)}/resource-tree`)).nodes ?? [],
    manifests: async (name, revision) => {
      const query = revision === undefined ? '' : `?${new URLSearchParams({ revision }).toString()}`;
      return (await call<{ manifests?: string[] }>('GET', `${at(name)}/manifests${query}`)).manifests ?? [];
    },
    applicationSets: async () =>
      (await call<{ items: ApplicationSet[] | null }>('GET', '/applicationsets')).items ?? [],
    generate: async (applicationSet) =>
      (await call<{ applications?: Application[] }>('POST', '/applicationsets/generate', { applicationSet }))
        .applications ?? [],
    capabilities: async () => {
      const { items } = await call<{
        items: { server: string; info?: { serverVersion?: string; apiVersions?: string[] } }[];
      }>('GET', '/clusters');
      const { serverVersion, apiVersions } =
        items.find(({ server }) => server === 'https://kubernetes.default.svc')?.info ?? {};
      return serverVersion === undefined || apiVersions === undefined
        ? undefined
        : { kubeVersion: serverVersion, apiVersions };
    },
    activeWindows: async (project) =>
      (await call<{ windows?: SyncWindow[] }>('GET', `/projects/${encodeURIComponent(project)}/syncwindows`)).windows ??
      [],
    refresh: async (name) => {
      // The server answers when it sees the refresh end. When several clients ask at once it may miss that and wait
      // forever (seen in a drill), so after a while the Application is read as it is.
      const patience = AbortSignal.timeout(5000);
      try {
        return (await (await request('GET', `${at(name)}?refresh=normal`, undefined, patience)).json()) as Application;
      } catch (error) {
        if (!patience.aborted) throw error;
        return call('GET', at(name));
      }
    },
    sync: async (name) => {
      await call('POST', `${at(name)}/sync`, {});
    },
    toggleAutoSync: async (name) => {
      const resource = {
        namespace: NAMESPACE,
        resourceName: name,
        group: 'argoproj.io',
        kind: 'Application',
        version: 'v1alpha1',
      };
      await call('POST', `${at(name)}/resource/actions/v2?${new URLSearchParams(resource).toString()}`, {
        ...{ action: 'toggle-auto-sync', name, appNamespace: NAMESPACE },
        ...resource,
      });
    },
    rollback: async (name, id) => {
      await call('POST', `${at(name)}/rollback`, { id, appNamespace: NAMESPACE });
    },
    terminateOperation: async (name) => {
      await call('DELETE', `${at(name)}/operation`);
    },
    async *watch(signal) {
      const response = await request('GET', '/stream/applications', undefined, signal);
      if (response.body === null) return;
      let rest = '';
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const change = changeIn(line);
          if (change !== undefined) yield change;
        }
      }
    },
  };
}
