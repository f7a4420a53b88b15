import { CommandError, messageOf } from '@gitops/report/errors';
import { table } from '@gitops/report/table';
import { type Controller, CONTROLLERS, readCluster } from '@gitops/settings';
import { connectAs } from './accounts.ts';
import {
  applicationsTable,
  comparedRevision,
  deployedRevision,
  healthStatus,
  isAutoSynced,
  isSettled,
  problemsOf,
  syncStatus,
} from './applications.ts';
import type { Application, ArgoClient } from './argocd-api.ts';
import { lastWords } from './daemon.ts';
import type { Instance } from './instance.ts';
import { kubeconfigPath } from './kubectl.ts';
import { rememberedPorts } from './ports.ts';
import { processes, type ProcessStatus } from './processes.ts';
import { repositoryURL } from './repository.ts';

interface ApplicationStatus {
  readonly name: string;
  readonly sync: string;
  readonly health: string;
  readonly autoSync: boolean;
  readonly revision: string | undefined;
  readonly compared: string | undefined;
  readonly images: readonly string[];
  readonly reasons: readonly string[];
}

/** What `make status --json` prints. */
export interface Status {
  readonly applications: readonly ApplicationStatus[];
  readonly processes: readonly ProcessStatus[];
  readonly addresses: Readonly<Record<string, string>>;
  /** Controllers that other clusters run, and this one's settings switch off. */
  readonly switchedOff: readonly Controller[];
  /** The file with these settings. */
  readonly settings: string;
  /** Why the Applications are unknown; undefined when they are not. */
  readonly unreachable: string | undefined;
}

async function describeApplication(client: ArgoClient, application: Application): Promise<ApplicationStatus> {
  const { name } = application.metadata;
  // The objects' own messages only where something is wrong.
  const nodes = isSettled(application) ? [] : await client.resourceNodes(name);
  return {
    name,
    sync: syncStatus(application),
    health: healthStatus(application),
    autoSync: isAutoSynced(application),
    revision: deployedRevision(application),
    compared: comparedRevision(application),
    images: application.status?.summary?.images ?? [],
    reasons: problemsOf(application, nodes),
  };
}

/** The state of the local machine. Throws CommandError when it was never started. */
export async function readStatus(instance: Instance): Promise<{ status: Status; applications: Application[] }> {
  const ports = rememberedPorts(instance);
  if (ports === undefined) throw new CommandError('nothing was started yet', 'run `make up`');
  let applications: Application[] = [];
  let unreachable: string | undefined;
  const described: ApplicationStatus[] = [];
  try {
    const client = connectAs(instance, ports, 'admin');
    applications = (await client.applications()).sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
    for (const application of applications) described.push(await describeApplication(client, application));
  } catch (error) {
    unreachable = messageOf(error);
  }
  const { controllers } = readCluster(instance.root, instance.cluster);
  const status = {
    applications: described,
    processes: processes(instance, ports),
    addresses: {
      Kubernetes: `https://127.0.0.1:${ports['kube-apiserver']} (KUBECONFIG=${kubeconfigPath(instance)})`,
      'Argo CD': `http://127.0.0.1:${ports.server} (API and CLI)`,
      Git: repositoryURL(ports.git),
    },
    switchedOff: CONTROLLERS.filter((controller) => !controllers.includes(controller)),
    settings: `clusters/${instance.cluster}/cluster.yaml`,
    unreachable,
  };
  return { status, applications };
}

const mebibytes = (bytes: number): string => (bytes === 0 ? '-' : `${Math.round(bytes / 1024 / 1024)} MiB`);

function applicationLines(
  { applications: described, unreachable }: Status,
  applications: readonly Application[],
): string[] {
  if (unreachable !== undefined) return [`Applications: ${unreachable}`];
  const lines = [applicationsTable(applications)];
  const problems = described.flatMap(({ name, reasons }) => reasons.map((reason) => `${name}: ${reason}`));
  if (problems.length > 0) lines.push('', ...problems);
  return lines;
}

function processLines({ processes: all }: Status): string[] {
  const rows: string[][] = [];
  const dead: string[] = [];
  let memory = 0;
  for (const { name, pid, port, memory: resident, log } of all) {
    memory += resident;
    rows.push([name, pid === undefined ? 'not running' : String(pid), String(port), mebibytes(resident)]);
    if (pid === undefined)
      dead.push(`${name} is not running (end of its log: ${lastWords(log)}); \`make up\` starts it`);
  }
  const running = `${all.length - dead.length} of ${all.length} run, ${mebibytes(memory)} resident`;
  return [table(['PROCESS', 'PID', 'PORT', 'MEMORY'], rows), running, ...dead];
}

/** The status as a person reads it. */
export function printStatus(status: Status, applications: readonly Application[]): string {
  const labelled = (label: string, text: string): string => `${label.padEnd(10)}  ${text}`;
  const lines = [...applicationLines(status, applications), '', ...processLines(status), ''];
  for (const [name, address] of Object.entries(status.addresses)) lines.push(labelled(name, address));
  lines.push(
    labelled('Accounts', 'admin (its token: `make env`), oncall (used by `make rollback` and `make resume`)'),
    '',
    'Real: Kubernetes, etcd, Argo CD, Helm, Git.',
    'Simulated: nodes, the pods on them and load balancers (KWOK), image registry and AWS.',
  );
  if (status.switchedOff.length > 0)
    lines.push(`Switched off by \`controllers\` in ${status.settings}: ${status.switchedOff.join(', ')}.`);
  lines.push(
    'This Argo CD is built from its Go module, which holds no web pages: it serves its API and the argocd CLI.',
  );
  return lines.join('\n');
}
