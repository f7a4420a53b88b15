import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { lastWords, portTaken, reportsTakenPort } from './daemon.ts';
import { type Instance, readState, statePath } from './instance.ts';
import { type Component, COMPONENTS, portOf, type Ports } from './ports.ts';
import { birthOf } from './process.ts';

// kwokctl starts the processes of the control plane and keeps their pids and logs in its own folder.

/** What kwokctl calls the cluster; below the instance's own folder it needs no better name. */
export const CLUSTER_NAME = 'local';

/** State file that marks the cluster as completely created. */
export const CREATED = 'cluster.json';

/** kwokctl's folder for all of its clusters. */
export const kwokFolder = (instance: Instance): string => statePath(instance, 'kwok');

/** Its folder for this cluster. */
export const clusterFolder = (instance: Instance): string => join(instance.dir, 'kwok/clusters', CLUSTER_NAME);

/** Whether a cluster was created to the end; a half-created one does not count. */
export const clusterExists = (instance: Instance): boolean =>
  readState(instance, CREATED) !== undefined && existsSync(join(clusterFolder(instance), 'kwok.yaml'));

/** Where kwokctl keeps the pid of a component. */
export const pidFile = (instance: Instance, component: Component): string =>
  join(clusterFolder(instance), 'pids', `${component}.pid`);

/** The program of a component, a link that kwokctl starts. */
export const programLink = (instance: Instance, component: Component): string =>
  join(clusterFolder(instance), 'bin', component);

/** The log of a component. */
export const componentLog = (instance: Instance, component: Component): string =>
  join(clusterFolder(instance), 'logs', `${component}.log`);

/** The pid of a component; undefined when it does not run. */
export function componentPid(instance: Instance, component: Component): number | undefined {
  const file = pidFile(instance, component);
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8').trim());
  return Number.isInteger(pid) && pid > 0 && isComponentProcess(instance, pid, component) ? pid : undefined;
}

/** Whether the pid is the component's and not a later process's with the same number. */
function isComponentProcess(instance: Instance, pid: number, component: Component): boolean {
  if (birthOf(pid) === undefined) return false;
  const commandLine = `/proc/${pid}/cmdline`;
  // Elsewhere than on Linux kwokctl's pid file is trusted, as kwokctl itself does.
  return !existsSync(commandLine) || readFileSync(commandLine, 'utf8').includes(programLink(instance, component));
}

export const isRunning = (instance: Instance, component: Component): boolean =>
  componentPid(instance, component) !== undefined;

/** The component that does not run because another program listens on its port; undefined when there is none. */
export const componentWithoutPort = (instance: Instance): Component | undefined =>
  COMPONENTS.find((name) => !isRunning(instance, name) && reportsTakenPort(componentLog(instance, name)));

/** Why the control plane does not start. */
export function componentFailure(instance: Instance, ports: Ports): CommandError {
  const blocked = componentWithoutPort(instance);
  if (blocked !== undefined && !clusterExists(instance)) return portTaken(blocked, portOf(blocked, ports));
  if (blocked !== undefined)
    return new CommandError(
      `port ${portOf(blocked, ports)} of ${blocked} is taken by another program, and the stored cluster relies on it`,
      `end that program and run \`make up\` again, or delete the cluster: \`make down\`, \`rm -rf ${instance.dir}\``,
    );
  const dead = COMPONENTS.find((name) => !isRunning(instance, name)) ?? 'kube-apiserver';
  const log = componentLog(instance, dead);
  return new CommandError(`${dead} does not start: ${lastWords(log)}`, `read ${log}, then run \`make up\` again`);
}
