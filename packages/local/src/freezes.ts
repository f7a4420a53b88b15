import { startRenderer } from '@gitops/manifests/renderer';
import { nextTime } from '@gitops/manifests/windows';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import { isAutoSynced, isOperating, syncStatus } from './applications.ts';
import type { Application, ArgoClient, SyncWindow } from './argocd-api.ts';

/** A freeze that is active now. */
export interface ActiveFreeze extends SyncWindow {
  /** The project whose Applications wait. */
  readonly project: string;
}

const projectOf = ({ spec }: Application): string => spec.project ?? 'default';

/** The freezes that are active now in the projects of these Applications, as Argo CD itself sees them. */
export async function activeFreezes(client: ArgoClient, applications: readonly Application[]): Promise<ActiveFreeze[]> {
  const freezes: ActiveFreeze[] = [];
  for (const project of new Set(applications.map(projectOf)))
    for (const window of await client.activeWindows(project))
      if (window.kind === 'deny') freezes.push({ ...window, project });
  return freezes;
}

/** The Applications that Argo CD would sync now but for a freeze, and the freeze, by their names. */
export async function frozenApplications(
  client: ArgoClient,
  applications: readonly Application[],
): Promise<ReadonlyMap<string, ActiveFreeze>> {
  const waiting = applications.filter(
    (application) => syncStatus(application) === 'OutOfSync' && isAutoSynced(application) && !isOperating(application),
  );
  const frozen = new Map<string, ActiveFreeze>();
  const freezes = await activeFreezes(client, waiting);
  for (const application of waiting) {
    const freeze = freezes.find(({ project }) => project === projectOf(application));
    if (freeze !== undefined) frozen.set(application.metadata.name, freeze);
  }
  return frozen;
}

/** `year-end: reason (until 2027-01-04 18:00, America/New_York)`; the end is what Argo CD's own code says. */
export async function describeFreeze(window: SyncWindow): Promise<string> {
  const tools = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });
  const renderer = startRenderer(tools);
  try {
    const { to = 'its end' } = (await nextTime(renderer, window)) ?? {};
    return `${window.description ?? 'without a name'} (until ${to}, ${window.timeZone})`;
  } finally {
    await renderer.close();
  }
}

/** Why an Application is not deployed, and how a person deploys it. */
export const frozenInWords = async (name: string, freeze: SyncWindow): Promise<string> =>
  `${name} waits for the end of freeze ${await describeFreeze(freeze)}.\n` +
  `A person's sync passes: \`eval "$(make env)"; argocd app sync ${name}\`, or Sync in Argo CD's web pages.`;
