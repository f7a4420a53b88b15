import { CommandError } from '@gitops/report/errors';
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
import { NAMESPACE } from './argocd-settings.ts';
import { awaitApplications, confirmBad, explain, PATIENCE } from './await-applications.ts';
import { frozenApplications } from './freezes.ts';
import type { Instance } from './instance.ts';
import { list } from './kubernetes-api.ts';
import type { Ports } from './ports.ts';

// The first seconds of a fresh Argo CD are full of errors that pass, such as a project that is not there yet.
const PASSING = 5000;

const isBad = (application: Application): boolean =>
  isUnreadable(application) || isDegraded(application) || isSyncFailing(application);

/**
 * Waits until root and everything that it leads to reads from `url` and is Synced and Healthy, stays as on-call left
 * it, or waits for the end of a freeze. Throws CommandError with the reason when one of them is bad.
 */
export async function awaitStart(instance: Instance, ports: Ports, url: string): Promise<Application[]> {
  const client = connectAs(instance, ports, 'developer');
  const start = Date.now();
  return awaitApplications(client, PATIENCE, 'the start of all Applications', async (byName) => {
    const applications = [...byName.values()];
    const frozen = await frozenApplications(client, applications);
    const restless = applications.filter(
      (application) => !isSettled(application) && isAutoSynced(application) && !frozen.has(application.metadata.name),
    );
    const areCurrent = byName.has(ROOT) && applications.every((application) => readsFrom(application, url));
    if (areCurrent && restless.length === 0 && (await areAll(instance, ports, byName))) return applications;

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

/**
 * Whether these are all Applications. An ApplicationSet is Healthy, and root after it, once its Applications are created
 * (its health check is in argocd/values.yaml); Argo CD's server may hear of them a moment later than the API server.
 */
async function areAll(instance: Instance, ports: Ports, known: ReadonlyMap<string, Application>): Promise<boolean> {
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/applications`;
  const applications = await list<Application>(instance, ports['kube-apiserver'], path);
  return applications?.every(({ metadata }) => known.has(metadata.name)) === true;
}
