import { componentPid } from './components.ts';
import { stopDaemon } from './daemon.ts';
import type { Instance } from './instance.ts';
import type { Component, DaemonName } from './ports.ts';
import { endProcess } from './process.ts';

/** What acts on what it watches in the API server. Node agents are not among them: kubelets have pods to look after. */
const COMPONENTS: readonly Component[] = ['kube-controller-manager', 'kube-scheduler', 'kwok-controller'];
const DAEMONS: readonly DaemonName[] = [
  'metrics-server',
  'argocd-application-controller',
  'argocd-applicationset-controller',
  'argocd-server',
  'argocd-notifications-controller',
];

/**
 * Ends what watched an API server that was away, or had no etcd; their starts follow. Client-go waits longer after each
 * failed attempt, up to a minute (its reflector: 30 s and as much again at random), KWOK does not repeat a write that failed,
 * and a start lists at once. In a cloud a load balancer sends them to another API server.
 */
export async function endWatchers(instance: Instance): Promise<void> {
  await Promise.all([
    ...COMPONENTS.map(async (name) => {
      const pid = componentPid(instance, name);
      if (pid !== undefined) await endProcess(pid);
    }),
    ...DAEMONS.map(async (name) => stopDaemon(instance, name)),
  ]);
}
