import { CommandError, messageOf } from '@gitops/report/errors';
import { table } from '@gitops/report/table';
import { type Controller, CONTROLLERS, LOCAL_REGISTRY, readCluster } from '@gitops/settings';
import { ARGOCD_VERSION } from '@gitops/tools/tools';
import { connectAs } from './accounts.ts';
import {
  applicationsTable,
  comparedRevision,
  healthStatus,
  isAutoSynced,
  isSettled,
  problemsOf,
  runningRevision,
  syncStatus,
} from './applications.ts';
import type { Application, ArgoClient } from './argocd-api.ts';
import { BUILT, rememberedRelease, servesPages } from './argocd-program.ts';
import { lastWords } from './daemon.ts';
import { type ActiveFreeze, activeFreezes, describeFreeze } from './freezes.ts';
import { frontDoorProblems, readTargets, serviceAddresses } from './front-door.ts';
import { heldBack } from './held-back.ts';
import type { Instance } from './instance.ts';
import { kubeconfigPath } from './kubectl.ts';
import { type MonitoringStatus, readMonitoring } from './monitoring/alerts.ts';
import { podsTable, type PodStatus, readPods } from './pods.ts';
import { rememberedPorts } from './ports.ts';
import { MONITORING_DAEMONS, processes, type ProcessStatus } from './processes.ts';
import { registryAddress } from './registry.ts';
import { removals } from './removals.ts';
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
  /** What it runs instead of main, and what waits there; undefined while auto-sync is on. */
  readonly heldBack: string | undefined;
}

/** What `make status --json` prints. */
export interface Status {
  readonly applications: readonly ApplicationStatus[];
  /** What was taken out of Git and stays, and ApplicationSets with an error. */
  readonly removals: readonly string[];
  readonly processes: readonly ProcessStatus[];
  /** The freezes that are active now, in words, and the projects that wait for their end. */
  readonly freezes: Readonly<Record<string, readonly string[]>>;
  /** Every pod; undefined while the API server does not answer. */
  readonly pods: readonly PodStatus[] | undefined;
  readonly argocd: {
    /** The path of a release's program, or `built` for our own build. */
    readonly program: string;
    readonly version: string;
    /** Whether its server has web pages. */
    readonly pages: boolean;
  };
  /** What is wrong with the front door and its targets. */
  readonly frontDoor: readonly string[];
  readonly addresses: Readonly<Record<string, string>>;
  /** Prometheus and Alertmanager; undefined where they do not run. */
  readonly monitoring: MonitoringStatus | undefined;
  /** Controllers that other clusters run, and this one's settings switch off. */
  readonly switchedOff: readonly Controller[];
  /** The file with these settings. */
  readonly settings: string;
  /** Why the Applications are unknown; undefined when they are not. */
  readonly unreachable: string | undefined;
}

async function describeApplication(
  instance: Instance,
  client: ArgoClient,
  application: Application,
): Promise<ApplicationStatus> {
  const { name } = application.metadata;
  // The objects' own messages only where something is wrong.
  const nodes = isSettled(application) ? [] : await client.resourceNodes(name);
  return {
    name,
    sync: syncStatus(application),
    health: healthStatus(application),
    autoSync: isAutoSynced(application),
    revision: runningRevision(application),
    compared: comparedRevision(application),
    images: application.status?.summary?.images ?? [],
    reasons: problemsOf(application, nodes),
    heldBack: await heldBack(instance, application),
  };
}

/** The state of the local machine. Throws CommandError when it was never started. */
export async function readStatus(instance: Instance): Promise<{ status: Status; applications: Application[] }> {
  const ports = rememberedPorts(instance);
  if (ports === undefined) throw new CommandError('nothing was started yet', 'run `make up`');
  let applications: Application[] = [];
  let freezes: Record<string, string[]> = {};
  let removed: string[] = [];
  let unreachable: string | undefined;
  const described: ApplicationStatus[] = [];
  try {
    const client = connectAs(instance, ports, 'developer');
    applications = (await client.applications()).sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
    for (const application of applications) described.push(await describeApplication(instance, client, application));
    freezes = await freezesInWords(await activeFreezes(client, applications));
    // What a set would list now is told only to who may create it.
    removed = await removals(connectAs(instance, ports, 'platform'), applications);
  } catch (error) {
    unreachable = messageOf(error);
  }
  const targets = await readTargets(ports);
  const { controllers } = readCluster(instance.root, instance.cluster);
  const release = rememberedRelease(instance);
  const [pods, pages, monitoring] = await Promise.all([
    readPods(instance, ports),
    servesPages(ports.server),
    readMonitoring(instance, ports),
  ]);
  const status: Status = {
    applications: described,
    freezes,
    removals: removed,
    processes: processes(instance, ports),
    pods,
    argocd: {
      program: release?.path ?? BUILT,
      version: release?.version ?? `v${ARGOCD_VERSION}`,
      pages,
    },
    frontDoor: frontDoorProblems(targets),
    addresses: {
      ...(targets === undefined ? {} : { Service: serviceAddresses(targets, ports).join(', ') }),
      Kubernetes: `https://127.0.0.1:${ports['kube-apiserver']} (KUBECONFIG=${kubeconfigPath(instance)})`,
      'Argo CD': `http://127.0.0.1:${ports.server} (${pages ? 'web pages, API and CLI' : 'API and CLI'})`,
      Git: repositoryURL(ports.git),
      Registry: `http://${registryAddress(ports)} (${LOCAL_REGISTRY} in image names)`,
    },
    monitoring,
    switchedOff: CONTROLLERS.filter((controller) => !controllers.includes(controller)),
    settings: `clusters/${instance.cluster}/cluster.yaml`,
    unreachable,
  };
  return { status, applications };
}

const mebibytes = (bytes: number): string => (bytes === 0 ? '-' : `${Math.round(bytes / 1024 / 1024)} MiB`);

function applicationLines(
  { applications: described, removals: removed, freezes, unreachable }: Status,
  applications: readonly Application[],
): string[] {
  if (unreachable !== undefined) return [`Applications: ${unreachable}`];
  const lines = [applicationsTable(applications)];
  const problems: string[] = [];
  for (const { name, reasons, heldBack: held } of described)
    for (const reason of held === undefined ? reasons : [...reasons, held]) problems.push(`${name}: ${reason}`);
  if (problems.length > 0) lines.push('', ...problems);
  for (const [freeze, projects] of Object.entries(freezes))
    lines.push(
      '',
      `Freeze ${freeze}: Argo CD deploys nothing to ${projects.join(' and ')} by itself; what a person syncs or rolls back passes.`,
    );
  if (removed.length > 0) lines.push('', ...removed);
  return lines;
}

/** The projects that wait for the end of each freeze. */
async function freezesInWords(freezes: readonly ActiveFreeze[]): Promise<Record<string, string[]>> {
  const projects: Record<string, string[]> = {};
  for (const freeze of freezes) (projects[await describeFreeze(freeze)] ??= []).push(freeze.project);
  return projects;
}

function processLines({ processes: all }: Status): string[] {
  const rows: string[][] = [];
  const dead: string[] = [];
  let memory = 0;
  for (const { name, pid, port, memory: resident, log } of all) {
    memory += resident;
    rows.push([name, pid === undefined ? 'not running' : String(pid), String(port), mebibytes(resident)]);
    if (pid === undefined)
      dead.push(`${name} is not running (end of its log: ${lastWords(log)}); \`make ${starterOf(name)}\` starts it`);
  }
  const running = `${all.length - dead.length} of ${all.length} run, ${mebibytes(memory)} resident`;
  return [table(['PROCESS', 'PID', 'PORT', 'MEMORY'], rows), running, ...dead];
}

const starterOf = (name: ProcessStatus['name']): string => (MONITORING_DAEMONS.includes(name) ? 'monitoring' : 'up');

function podLines({ pods }: Status): string[] {
  if (pods === undefined) return ['Pods: the API server does not answer'];
  if (pods.length === 0) return ['No pods.'];
  return [podsTable(pods), ...pods.flatMap(({ name, messages }) => messages.map((message) => `${name}: ${message}`))];
}

/** Sources of other clusters that this machine lacks: rules and panels that read them stay empty. */
const WITHOUT_DATA = [
  'kube-state-metrics',
  'node-exporter',
  'cAdvisor',
  'aws-load-balancer-controller',
  'external-secrets',
];

/** Prometheus and Alertmanager, or what starts them. */
export function monitoringLines(monitoring: MonitoringStatus | undefined): string[] {
  if (monitoring === undefined)
    return [
      'Prometheus and Alertmanager do not run; `make monitoring` starts them. They stand for kube-prometheus-stack.',
    ];
  const { prometheus, alertmanager, firing, targets } = monitoring;
  const alerts = firing === undefined ? 'it does not answer' : `alerts firing: ${firing.length}${namesOf(firing)}`;
  const scraped = targets === undefined ? '' : `, targets up: ${targets.up} of ${targets.all}`;
  return [
    labelled('Prometheus', `${prometheus} (API; ${alerts}${scraped})`),
    labelled('Alertmanager', `${alertmanager} (API; amtool --alertmanager.url=${alertmanager} alert)`),
    labelled('No data of', `${WITHOUT_DATA.join(', ')}: nothing on this machine exports it`),
  ];
}

/** Names with how often each occurs. */
function namesOf(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const words = [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`));
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

const labelled = (label: string, text: string): string => `${label.padEnd(12)}  ${text}`;

/** What is real here and what stands for something else. */
function realityLines({ pods = [], switchedOff, settings, argocd, monitoring }: Status): string[] {
  const real = ['Kubernetes', 'etcd', 'Argo CD', 'Helm', 'Git', 'image registry'];
  const simulated = ['load balancers (the front door)', 'AWS'];
  if (pods.some((pod) => pod.real)) {
    real.push('metrics-server', 'pods that run as a process');
    simulated.unshift('all other pods and their nodes');
  } else simulated.unshift('nodes', 'the pods on them');
  if (monitoring !== undefined) real.push('Prometheus', 'Alertmanager');
  const lines = [`Real: ${real.join(', ')}.`, `Simulated: ${simulated.join(', ')}.`];
  if (switchedOff.length > 0)
    lines.push(`Charts that \`controllers\` in ${settings} switches off: ${switchedOff.join(', ')}.`);
  lines.push(
    argocd.program === BUILT
      ? `Argo CD ${argocd.version} is built from its Go module, which has no web pages; ` +
          '`make up ARGOCD=PATH` runs the program of its release, which has them.'
      : `Argo CD ${argocd.version} is ${argocd.program}${argocd.pages ? '' : ', and serves no web pages'}; ` +
          `\`make up ARGOCD=${BUILT}\` goes back to our own build.`,
  );
  return lines;
}

function accountLine({ argocd }: Status, password: string | undefined): string {
  const login = argocd.pages && password !== undefined ? `; its password for the web pages: ${password}` : '';
  return (
    'developer (reads: `make status`, `make deploy`, `make ship`), ' +
    `on-call (\`make rollback\`, \`make resume\`${login}), ` +
    'platform (its token: `make env`)'
  );
}

/**
 * The status as a person reads it.
 * @param password on-call's, for Argo CD's web pages
 */
export function printStatus(
  status: Status,
  applications: readonly Application[],
  password: string | undefined,
): string {
  const lines = [
    ...applicationLines(status, applications),
    '',
    ...podLines(status),
    '',
    ...processLines(status),
    ...status.frontDoor,
    '',
  ];
  for (const [name, address] of Object.entries(status.addresses)) lines.push(labelled(name, address));
  lines.push(...monitoringLines(status.monitoring), labelled('Accounts', accountLine(status, password)));
  lines.push('', ...realityLines(status));
  return lines.join('\n');
}
