import type { Publication } from '@gitops/delivery/commit';
import { CommandError } from '@gitops/report/errors';
import { elapsed } from '@gitops/report/progress';
import { connectAs } from '../accounts.ts';
import { applicationsTable, problemsOf } from '../applications.ts';
import type { Application } from '../argocd-api.ts';
import { PATIENCE } from '../await-applications.ts';
import { awaitDelivery, type Delivery } from '../await-delivery.ts';
import { awaitLoadBalancer, describeEnd, type LoadBalancerEnd } from '../await-load-balancer.ts';
import { frozenInWords } from '../freezes.ts';
import type { Instance } from '../instance.ts';
import { refreshMonitoring } from '../monitoring/monitoring.ts';
import { overtaken, overtakenInWords } from '../overtaken.ts';
import type { Ports } from '../ports.ts';
import { removals } from '../removals.ts';
import { readRolloutMinimum } from '../rollout-minimum.ts';
import { type Timeline, timelineTable } from '../timeline.ts';

const SHOWN_FILES = 10;

interface How {
  /** When the command began, in milliseconds since 1970. */
  readonly start: number;
  readonly json: boolean;
  readonly print: (text: string) => void;
  /** What the seconds were spent on, so far. */
  readonly timeline?: Timeline;
  /** Called when Argo CD has applied it. */
  readonly onSynced?: () => void;
}

/** Waits until Argo CD has deployed a publication, and reports it as text or JSON. */
export async function reportDelivery(
  instance: Instance,
  ports: Ports,
  publication: Publication,
  { start, json, print, timeline, onSynced }: How,
): Promise<void> {
  const head = publication.commit.slice(0, 7);
  if (publication.files.length === 0) {
    const nothing = {
      ...publication,
      reached: [],
      heldBack: [],
      frozen: [],
      overtaken: [],
      remarks: [],
      parts: timeline?.parts,
    };
    print(json ? JSON.stringify(nothing) : `Nothing to do: main (${head}) is up to date.`);
    return;
  }
  if (!json) print(filesInWords(head, publication.files));
  const { reached, heldBack, frozen } = await deliver(instance, ports, publication, onSynced);
  const later = await overtaken(instance, publication, reached);
  const remarks = await remarksOn(instance, ports, publication, reached);
  timeline?.end('all healthy');
  const healthyAfter = elapsed(Date.now() - start);
  const isReached = reached.length > 0;
  const loadBalancer = isReached ? await awaitLoadBalancer(instance, ports) : NOTHING_REACHED;
  const ends = describeEnd(loadBalancer, start);
  if (loadBalancer.isReal && timeline !== undefined) {
    timeline.end(OLD_PODS_OUT);
    await prescribe(instance, ports, timeline, reached);
  }
  if (json) {
    const names = reached.map(({ metadata }) => metadata.name);
    const problems = loadBalancer.problem === undefined ? [] : [loadBalancer.problem];
    print(
      JSON.stringify({
        ...publication,
        ...{ reached: names, heldBack, frozen, overtaken: later, problems, remarks, parts: timeline?.parts },
      }),
    );
    return;
  }
  for (const name of heldBack)
    print(`${name} is rolled back and stays as it is; \`make resume APP=${name}\` hands it back to Git.`);
  for (const { name, freeze } of frozen) print(await frozenInWords(name, freeze));
  if (!isReached && heldBack.length + frozen.length === 0) print('No Application reads any of these files.');
  if (!isReached) return;
  for (const each of later) print(overtakenInWords(publication.commit, each));
  print(`Synced and Healthy ${healthyAfter} after the command started:\n${applicationsTable(reached)}`);
  for (const line of [...remarks, ...ends]) print(line);
  if (timeline !== undefined) print(`\n${timelineTable(timeline)}`);
}

/** Waits for the delivery. What is wrong with ApplicationSets is often why it fails: it is said as well. */
async function deliver(
  instance: Instance,
  ports: Ports,
  publication: Publication,
  onSynced: (() => void) | undefined,
): Promise<Delivery> {
  try {
    return await awaitDelivery(instance, connectAs(instance, ports, 'developer'), publication, PATIENCE, onSynced);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError([...error.problems, ...(await remarksOn(instance, ports, publication, []))], error.next);
  }
}

/**
 * What Argo CD remarks on these Applications, which work: its conditions. After a change of argocd/ also what is wrong with
 * ApplicationSets, what they no longer list, and what stays without Git.
 */
async function remarksOn(
  instance: Instance,
  ports: Ports,
  { files }: Publication,
  reached: readonly Application[],
): Promise<string[]> {
  const lines: string[] = [];
  for (const application of reached)
    for (const problem of problemsOf(application)) lines.push(`${application.metadata.name}: ${problem}`);
  if (!files.some((file) => file.startsWith('argocd/'))) return lines;
  const client = connectAs(instance, ports, 'platform');
  return [...lines, ...(await removals(client, await client.applications()))];
}

/** Gives Prometheus and Alertmanager, where they run, the rules and routes of the commit, and says so. */
export async function reportRefresh(
  instance: Instance,
  ports: Ports,
  print: ((text: string) => void) | undefined,
): Promise<void> {
  if (await refreshMonitoring(instance, ports))
    print?.('Prometheus and Alertmanager have read the rules and routes of this commit.');
}

const NOTHING_REACHED: LoadBalancerEnd = { isReal: false, problem: undefined };

const OLD_PODS_OUT = 'old pods out of the load balancer';

/** Says which part of the rollout the chart and the load balancer prescribe. */
async function prescribe(
  instance: Instance,
  ports: Ports,
  timeline: Timeline,
  [application]: readonly Application[],
): Promise<void> {
  const deployment = application?.status?.resources?.find(({ kind }) => kind === 'Deployment');
  const namespace = deployment?.namespace;
  const minimum = namespace === undefined ? undefined : await readRolloutMinimum(instance, ports, namespace);
  if (minimum === undefined) return;
  timeline.prescribe('first new pod ready', minimum.first);
  timeline.prescribe('all healthy', minimum.others);
  timeline.prescribe(OLD_PODS_OUT, minimum.deregistration);
}

function filesInWords(head: string, files: readonly string[]): string {
  const lines = [`main is at ${head}: ${files.length} file${files.length === 1 ? '' : 's'} changed`];
  for (const file of files.slice(0, SHOWN_FILES)) lines.push(`  ${file}`);
  if (files.length > SHOWN_FILES) lines.push(`  and ${files.length - SHOWN_FILES} more`);
  return lines.join('\n');
}
