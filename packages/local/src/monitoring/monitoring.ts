import { CommandError } from '@gitops/report/errors';
import { type Progress, progressTo } from '@gitops/report/progress';
import { readCluster } from '@gitops/settings';
import { ensureTools, LOCAL_MACHINE, MONITORING, type Tools } from '@gitops/tools/tools';
import { isRunning } from '../components.ts';
import { runningPid } from '../daemon.ts';
import type { Instance } from '../instance.ts';
import { rememberedNetworks } from '../node-agents.ts';
import { machineNodes } from '../nodes.ts';
import type { Ports } from '../ports.ts';
import { ensureAccount } from './account.ts';
import { type MonitoringFiles, monitoringFiles } from './configuration.ts';
import { renderMonitoring } from './render.ts';
import { runMonitoring } from './start.ts';

/** The programs of the local machine, and those of its monitoring. */
export const monitoringTools = async (progress: Progress): Promise<Tools> =>
  ensureTools(progress, { verify: false, builds: [...LOCAL_MACHINE, ...MONITORING] });

/** The files that charts/monitoring of the deployed commit means for this machine. */
export async function deployedFiles(
  instance: Instance,
  tools: Tools,
  ports: Ports,
): Promise<{ readonly revision: string; readonly files: MonitoringFiles }> {
  const settings = readCluster(instance.root, instance.cluster);
  const nodes = settings.provider === 'local' ? machineNodes(settings) : [];
  const { revision, objects } = await renderMonitoring(instance, tools, ports);
  const machine = { instance, ports, nodes, networks: rememberedNetworks(instance) };
  return { revision, files: await monitoringFiles(objects, tools, machine) };
}

/**
 * Gives a running Prometheus and Alertmanager what the deployed commit says, as Argo CD would; nothing where they do not
 * run. Throws CommandError where they refuse it.
 * @returns whether they run
 */
export async function refreshMonitoring(instance: Instance, ports: Ports): Promise<boolean> {
  if (runningPid(instance, 'prometheus') === undefined) return false;
  const tools = await monitoringTools({ ...progressTo(), note: () => undefined });
  const { files } = await deployedFiles(instance, tools, ports);
  await runMonitoring(instance, tools, ports, files);
  return true;
}

/**
 * Starts Prometheus and Alertmanager with what charts/monitoring of the deployed commit says, or gives it to those that
 * run. Throws CommandError where the cluster does not run.
 */
export async function startMonitoring(instance: Instance, ports: Ports, progress: Progress): Promise<void> {
  if (!isRunning(instance, 'kube-apiserver')) throw new CommandError('the cluster does not run', 'run `make up`');
  const tools = await monitoringTools(progress);
  const [{ revision, files }] = await Promise.all([
    deployedFiles(instance, tools, ports),
    ensureAccount(instance, tools),
  ]);
  progress.done(`charts/monitoring at ${revision.slice(0, 7)}: ${Object.keys(files.rules).length} files of rules`);
  const started = await runMonitoring(instance, tools, ports, files);
  for (const name of ['prometheus', 'alertmanager'] as const)
    progress.done(
      `${name} at 127.0.0.1:${ports[name]} (${started.includes(name) ? 'started' : 'was running, has read its files again'})`,
    );
}
