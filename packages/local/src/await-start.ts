import { CommandError } from '@gitops/report/errors';
import { type Controller, CONTROLLERS } from '@gitops/settings';
import { connectAs } from './accounts.ts';
import {
  describeState,
  isAutoSynced,
  isDegraded,
  isSettled,
  isSyncFailing,
  isUnreadable,
  readsFrom,
  ROOT,
} from './applications.ts';
import type { Application } from './argocd-api.ts';
import { awaitApplications, confirmBad, explain, PATIENCE } from './await-applications.ts';
import type { Instance } from './instance.ts';
import type { Ports } from './ports.ts';

// The first seconds of a fresh Argo CD are full of errors that pass, such as a project that is not there yet.
const PASSING = 5000;

interface Owned {
  readonly metadata: { readonly ownerReferences?: readonly { readonly name: string }[] };
}

const isBad = (application: Application): boolean =>
  isUnreadable(application) || isDegraded(application) || isSyncFailing(application);

/**
 * Waits until root and everything that it leads to reads from `url` and is Synced and Healthy, or stays as on-call left
 * it. Throws CommandError with the reason when one of them is bad.
 * @param controllers those that run here; the ApplicationSets of all others have no Application
 */
export async function awaitStart(
  instance: Instance,
  ports: Ports,
  url: string,
  controllers: readonly Controller[],
): Promise<Application[]> {
  const client = connectAs(instance, ports, 'admin');
  const off = CONTROLLERS.filter((controller) => !controllers.includes(controller));
  const switchedOff: readonly string[] = [
    ...off,
    // Follows the definitions that the stack's operator reads.
    ...(off.includes('kube-prometheus-stack') ? ['monitoring'] : []),
    // No pull request has a preview here.
    ...['previews', 'preview-namespaces'],
  ];
  const start = Date.now();
  return awaitApplications(client, PATIENCE, 'the start of all Applications', async (byName) => {
    const applications = [...byName.values()];
    const restless = applications.filter((application) => !isSettled(application) && isAutoSynced(application));
    const isComplete = applications.every((application) => readsFrom(application, url)) && hasAll(byName, switchedOff);
    if (isComplete && restless.length === 0) return applications;

    // While root is at work, those that it leads to may fail: their projects and settings come from it.
    const root = restless.find(({ metadata }) => metadata.name === ROOT);
    const suspect = (root === undefined ? restless : [root]).find(isBad);
    if (suspect === undefined || Date.now() - start < PASSING) return undefined;
    // Looking again is also what ends an error that has passed: Argo CD itself would wait for the next poll.
    const bad = await confirmBad(client, suspect.metadata.name, isBad);
    if (bad === undefined) return undefined;
    const [reason] = await explain(client, bad);
    throw new CommandError(
      `everything runs, but ${bad.metadata.name} is ${describeState(bad)}: ${reason}`,
      'push a commit that fixes it (`make deploy`, `make ship`), or roll it back; `make status` shows all',
    );
  });
}

/** Whether root has created its ApplicationSets, and each enabled one its Applications. */
function hasAll(applications: ReadonlyMap<string, Application>, switchedOff: readonly string[]): boolean {
  const resources = applications.get(ROOT)?.status?.resources ?? [];
  const sets = resources.filter(({ kind, name }) => kind === 'ApplicationSet' && !switchedOff.includes(name));
  const owners = new Set<string>();
  for (const application of applications.values())
    for (const { name } of (application as Application & Owned).metadata.ownerReferences ?? []) owners.add(name);
  return sets.length > 0 && sets.every(({ name }) => owners.has(name));
}
