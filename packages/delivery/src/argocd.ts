import { CommandError, messageOf } from '@gitops/report/errors';
import { oneLine } from './message.ts';

/** One deployment by Argo CD, as its history has it. */
export interface Sync {
  readonly id: number;
  readonly date: string;
  /** The commit of this repository that was deployed. */
  readonly revision: string;
  /** A user's name; `automated` for what auto-sync did. */
  readonly who: string;
}

interface Application {
  readonly status?: {
    readonly history?: readonly {
      readonly id: number;
      readonly revision?: string;
      readonly revisions?: readonly string[];
      readonly deployedAt: string;
      readonly initiatedBy?: { readonly username?: string; readonly automated?: boolean };
    }[];
  };
}

/** Which Argo CD to ask: ARGOCD_SERVER, ARGOCD_AUTH_TOKEN and ARGOCD_OPTS, as its own command line has them. */
export const ARGOCD_ENVIRONMENT = {
  ARGOCD_SERVER: 'host and port of the Argo CD whose history is shown as well',
  ARGOCD_AUTH_TOKEN: 'its token',
  ARGOCD_OPTS: '--plaintext where it has no TLS',
} as const;

/**
 * The history of an Application, oldest first; Argo CD keeps the newest ten entries. Undefined where no Argo CD is named.
 * Throws CommandError where it does not answer, or refuses.
 */
export async function syncsOf(app: string): Promise<Sync[] | undefined> {
  const { ARGOCD_SERVER: server = '', ARGOCD_AUTH_TOKEN: token = '', ARGOCD_OPTS: options = '' } = process.env;
  if (server === '') return undefined;
  const scheme = options.split(/\s+/).includes('--plaintext') ? 'http' : 'https';
  const next = 'check ARGOCD_SERVER and ARGOCD_AUTH_TOKEN, or unset them';
  let application: Application;
  try {
    const response = await fetch(`${scheme}://${server}/api/v1/applications/${encodeURIComponent(app)}`, {
      headers: token === '' ? {} : { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok)
      throw new CommandError(`Argo CD at ${server} answers ${response.status}: ${oneLine(text).slice(0, 200)}`, next);
    application = JSON.parse(text) as Application;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`Argo CD does not answer at ${server}: ${messageOf(error)}`, next);
  }
  const history = [...(application.status?.history ?? [])].sort((a, b) => a.id - b.id);
  return history.map(({ id, revision, revisions, deployedAt, initiatedBy }) => ({
    id,
    date: deployedAt,
    revision: [revision, ...(revisions ?? [])].find((each) => /^[0-9a-f]{40}$/.test(each ?? '')) ?? '',
    who: initiatedBy?.automated === true ? 'automated' : (initiatedBy?.username ?? ''),
  }));
}
