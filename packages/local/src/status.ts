import { CommandError, messageOf } from '@gitops/report/errors';
import { table } from '@gitops/report/table';
import { type Controller, CONTROLLERS, readCluster } from '@gitops/settings';
import { applicationsTable, autoSync, comparedRevision, deployedRevision, explain, isSettled } from './applications.ts';
import { ARGO_DAEMONS, connectAs } from './argocd.ts';
import type { Application, ArgoClient } from './argocd-api.ts';
import { componentLog, componentPid, COMPONENTS, kubeconfigPath } from './cluster.ts';
import type { Instance } from './instance.ts';
import { type PortName, type Ports, rememberedPorts } from './ports.ts';
import { lastWords, logPath, residentMemory, runningPid } from './process.ts';
import { repositoryURL } from './publish.ts';

export interface ProcessStatus {
  readonly name: string;
  readonly pid: number | undefined;
  readonly port: number;
  /** Resident memory in bytes. */
  readonly memory: number;
  readonly log: string;
}

export interface Status {
  readonly applications: readonly {
    readonly name: string;
    readonly sync: string;
    readonly health: string;
    readonly autoSync: boolean;
    readonly revision: string | undefined;
    readonly compared: string | undefined;
    readonly images: readonly string[];
    readonly reasons: readonly string[];
  }[];
  readonly processes: readonly ProcessStatus[];
  readonly addresses: Readonly<Record<string, string>>;
  /** Controllers that other clusters run, and the settings of this one switch off. */
  readonly switchedOff: readonly Controller[];
  /** The file with these settings. */
  readonly settings: string;
  /** Why the Applications cannot be told; undefined where they can. */
  readonly unreachable: string | undefined;
}

const portOf: Readonly<Record<string, PortName>> = {
  'argocd-repo-server': 'repo-server',
  'argocd-application-controller': 'application-controller-metrics',
  'argocd-applicationset-controller': 'applicationset-controller-webhook',
  'argocd-server': 'server',
};

/** Every process that belongs to a running local machine, running or not. */
export function processes(instance: Instance, ports: Ports): ProcessStatus[] {
  const entry = (name: string, pid: number | undefined, port: number, log: string): ProcessStatus => ({
    ...{ name, pid, port, log },
    memory: pid === undefined ? 0 : residentMemory(pid),
  });
  return [
    ...COMPONENTS.map((name) => entry(name, componentPid(instance, name), ports[name], componentLog(instance, name))),
    ...['git', ...ARGO_DAEMONS].map((name) =>
      entry(name, runningPid(instance, name), ports[portOf[name] ?? (name as PortName)], logPath(instance, name)),
    ),
  ];
}

/** Why each Application that is not at rest is not, asking for the details of those alone. */
async function reasonsOf(client: ArgoClient, application: Application): Promise<string[]> {
  return explain(application, isSettled(application) ? [] : await client.resourceNodes(application.metadata.name));
}

/** How the local machine stands. Throws CommandError where none was ever started. */
export async function readStatus(instance: Instance): Promise<{ status: Status; applications: Application[] }> {
  const ports = rememberedPorts(instance);
  if (ports === undefined) throw new CommandError('nothing was started here yet', 'run `make up`');
  let applications: Application[] = [];
  let unreachable: string | undefined;
  const described: Status['applications'][number][] = [];
  try {
    const client = connectAs(instance, ports, 'admin');
    applications = (await client.applications()).sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
    for (const application of applications) {
      described.push({
        name: application.metadata.name,
        sync: application.status?.sync?.status ?? 'Unknown',
        health: application.status?.health?.status ?? 'Unknown',
        autoSync: autoSync(application),
        revision: deployedRevision(application),
        compared: comparedRevision(application),
        images: application.status?.summary?.images ?? [],
        reasons: await reasonsOf(client, application),
      });
    }
  } catch (error) {
    unreachable = messageOf(error);
  }
  const addresses = {
    Kubernetes: `https://127.0.0.1:${ports['kube-apiserver']} (KUBECONFIG=${kubeconfigPath(instance)})`,
    'Argo CD': `http://127.0.0.1:${ports.server} (API and CLI)`,
    Git: repositoryURL(ports.git),
  };
  const { controllers } = readCluster(instance.root, instance.cluster);
  const switchedOff = CONTROLLERS.filter((controller) => !controllers.includes(controller));
  return {
    status: {
      applications: described,
      processes: processes(instance, ports),
      addresses,
      switchedOff,
      settings: `clusters/${instance.cluster}/cluster.yaml`,
      unreachable,
    },
    applications,
  };
}

const mebibytes = (bytes: number): string => (bytes === 0 ? '-' : `${Math.round(bytes / 1024 / 1024)} MiB`);

/** The status as a person reads it. */
export function printStatus(status: Status, applications: readonly Application[]): string {
  const dead = status.processes.filter(({ pid }) => pid === undefined);
  const total = status.processes.reduce((sum, { memory }) => sum + memory, 0);
  const rows = status.processes.map(({ name, pid, port, memory }) => [
    name,
    pid === undefined ? 'not running' : String(pid),
    String(port),
    mebibytes(memory),
  ]);
  const reasons = status.applications.flatMap(({ name, reasons: why }) => why.map((reason) => `${name}: ${reason}`));
  return [
    status.unreachable === undefined ? applicationsTable(applications) : `Applications: ${status.unreachable}`,
    ...(reasons.length === 0 ? [] : ['', ...reasons]),
    '',
    table(['PROCESS', 'PID', 'PORT', 'MEMORY'], rows),
    `${status.processes.length - dead.length} of ${status.processes.length} run, ${mebibytes(total)} resident`,
    ...dead.map(
      ({ name, log }) => `${name} is not running (last words: ${lastWords(log)}); \`make up\` brings it back`,
    ),
    '',
    ...Object.entries(status.addresses).map(([name, address]) => `${name.padEnd(10)}  ${address}`),
    `${'Accounts'.padEnd(10)}  admin (its token: \`make env\`), oncall (rolls back and resumes; used by \`make rollback\` and \`make resume\`)`,
    '',
    'Real: Kubernetes, etcd, Argo CD, Helm, Git. Simulated: the two nodes, the pods on them and load balancers (KWOK), image registry and AWS.',
    ...(status.switchedOff.length === 0
      ? []
      : [`Switched off by \`controllers\` in ${status.settings}: ${status.switchedOff.join(', ')}.`]),
    'This Argo CD is built from its Go module, which holds no web pages: it serves its API and the argocd CLI.',
  ].join('\n');
}
