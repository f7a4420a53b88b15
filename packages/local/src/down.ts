import type { Progress } from '@gitops/report/progress';
import { stopCluster } from './cluster.ts';
import { startedDaemons, stopDaemon } from './daemon.ts';
import type { Instance } from './instance.ts';
import { endAllPods } from './node-agents.ts';
import { endProcess, strayProcesses } from './process.ts';

/** Ends every process of the instance and keeps its state: the next `make up` continues from there. */
export async function down(instance: Instance, progress: Progress): Promise<void> {
  // Argo CD before the API server that it talks to.
  await Promise.all(startedDaemons(instance).map(async (name) => stopDaemon(instance, name)));
  // The service takes its five seconds to drain, in which the control plane ends as well.
  await Promise.all([endAllPods(instance), stopCluster(instance)]);
  for (const pid of strayProcesses(instance)) {
    progress.note(`ending process ${pid}, left behind by an interrupted run`);
    await endProcess(pid);
  }
}
