import type { Progress } from '@gitops/report/progress';
import { ARGO_DAEMONS } from './argocd.ts';
import { stopCluster } from './cluster.ts';
import type { Instance } from './instance.ts';
import { endProcess, startedDaemons, stopDaemon, strayProcesses } from './process.ts';

/**
 * Ends every process of the instance and keeps its state, so that the next `make up` goes on where this one stopped.
 */
export async function down(instance: Instance, progress: Progress): Promise<void> {
  // Argo CD before the API server that it talks to; Git and whatever else was started after it.
  const known = [...ARGO_DAEMONS].reverse();
  const others = startedDaemons(instance).filter((name) => !known.includes(name));
  await Promise.all([...known, ...others].map(async (name) => stopDaemon(instance, name)));
  await stopCluster(instance);
  for (const pid of strayProcesses(instance)) {
    progress.note(`ending process ${pid}, left behind by an interrupted run`);
    await endProcess(pid);
  }
}
