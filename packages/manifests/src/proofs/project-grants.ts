import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { groupKindOf, type KubernetesObject } from '../kubernetes/object.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { renderedOnly } from '../render/rendered.ts';
import { sourcesOf } from '../render/renderer.ts';
import { filesBelow } from '../render/tree.ts';
import { type AllowedKind, allowsKind, includesNamespace, type Project, projectsIn } from './projects.ts';
import type { ProofContext } from './proof.ts';

/** The projects of what developers merge, or push to a branch. */
const OF_DEVELOPERS = ['services', 'previews'];

const IN_CLUSTER = 'https://kubernetes.default.svc';

/** What controllers create from an object: Argo CD shows of it only what the project allows. */
const CREATES: Readonly<Record<string, readonly string[]>> = {
  'apps/DaemonSet': ['/Pod', 'apps/ControllerRevision'],
  'apps/Deployment': ['apps/ReplicaSet'],
  'apps/ReplicaSet': ['/Pod'],
  'apps/StatefulSet': ['/Pod', 'apps/ControllerRevision'],
  'batch/CronJob': ['batch/Job'],
  'batch/Job': ['/Pod'],
  'monitoring.coreos.com/Alertmanager': ['apps/StatefulSet'],
  'monitoring.coreos.com/Prometheus': ['apps/StatefulSet'],
};

/** On-call's switch changes the Application itself, which Argo CD checks against the Application's own project. */
const SWITCH = { group: 'argoproj.io', kind: 'Application', namespace: 'argocd' };

/** An AppProject with all that its Applications are and render, in all clusters. */
interface Usage {
  readonly project: Project;
  readonly repositories: Set<string>;
  readonly namespaces: Set<string>;
  readonly objects: KubernetesObject[];
  /** Kinds that the templates of their charts in this repository have: a value may switch one on. */
  readonly templates: Set<string>;
  /** Whether all of them could be rendered. */
  isComplete: boolean;
}

/** What is wrong with a grant. */
interface Finding {
  /** destinations, clusterResourceWhitelist and so on */
  readonly part: keyof NonNullable<Project['spec']>;
  /** As the template has it, in parts; none for the whole list. */
  readonly words: readonly string[];
  readonly rule: string;
}

/**
 * Grants of AppProjects that nothing uses in any cluster, that a star makes wider than anybody meant, and those by which
 * a change of a developer could reach the namespaces of Argo CD or Kubernetes, or a cluster-scoped kind.
 */
export function wrongGrants(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const problems: string[] = [];
  for (const usage of usages(fleet, root)) {
    const { name } = usage.project.metadata;
    const findings = [...wideGrants(usage.project), ...unusedGrants(usage)];
    if (OF_DEVELOPERS.includes(name)) findings.push(...reach(usage.project, isArgocdGuarded(fleet)));
    for (const { part, words, rule } of findings)
      problems.push(`${placeOf(root, name, part, words)}: AppProject/${name} spec.${part}: ${rule}`);
  }
  return problems;
}

/** The projects of all clusters, those of one name together: one template makes them. */
function usages(fleet: readonly FleetApplication[], root: string): Usage[] {
  const entries = renderedOnly(fleet);
  const all = new Map<string, Usage>();
  for (const project of projectsIn(entries)) {
    const { name } = project.metadata;
    const grants = all.get(name)?.project.spec;
    const spec = grants === undefined ? project.spec : merged(grants, project.spec ?? {});
    all.set(name, {
      project: { metadata: { name }, ...(spec !== undefined && { spec }) },
      ...{ repositories: new Set(), namespaces: new Set(), objects: [], templates: new Set(), isComplete: true },
    });
  }
  for (const entry of fleet) {
    const usage = all.get(entry.application.spec.project);
    if (usage === undefined) continue;
    for (const { repoURL, path } of sourcesOf(entry.application)) {
      usage.repositories.add(repoURL);
      for (const kind of path === undefined ? [] : kindsBelow(root, path)) usage.templates.add(kind);
    }
    if (!entry.rendered.ok) usage.isComplete = false;
  }
  for (const { application, objects } of entries) {
    const usage = all.get(application.spec.project);
    if (usage === undefined) continue;
    usage.objects.push(...objects);
    for (const { metadata } of objects)
      usage.namespaces.add(metadata.namespace ?? application.spec.destination.namespace ?? '');
  }
  return [...all.values()];
}

function kindsBelow(root: string, folder: string): string[] {
  const kinds: string[] = [];
  for (const file of filesBelow(root, folder).filter((name) => name.includes('/templates/')))
    for (const [, kind = ''] of readFileSync(join(root, file), 'utf8').matchAll(/^kind: (\w+)$/gm)) kinds.push(kind);
  return kinds;
}

type Spec = NonNullable<Project['spec']>;

/** The grants of both: clusters differ in their repository, or in what a value switches on. */
function merged(a: Spec, b: Spec): Spec {
  const together = <T>(left: readonly T[] = [], right: readonly T[] = []): T[] => [
    ...new Map([...left, ...right].map((grant) => [JSON.stringify(grant), grant])).values(),
  ];
  return {
    sourceRepos: together(a.sourceRepos, b.sourceRepos),
    destinations: together(a.destinations, b.destinations),
    clusterResourceWhitelist: together(a.clusterResourceWhitelist, b.clusterResourceWhitelist),
    namespaceResourceWhitelist: together(a.namespaceResourceWhitelist, b.namespaceResourceWhitelist),
  };
}

const wordsOf = ({ group, kind, name }: AllowedKind): string[] => [
  `group: ${group === '' ? '""' : group},`,
  `kind: ${kind}${name === undefined ? ' ' : ','}`,
  ...(name === undefined ? [] : [name]),
];

const inWords = ({ group, kind, name }: AllowedKind): string =>
  `${group === '' ? '' : `${group}/`}${kind}${name === undefined ? '' : ` ${name}`}`;

function wideGrants({ spec = {} }: Project): Finding[] {
  const { sourceRepos = [], destinations = [], clusterResourceWhitelist = [], namespaceResourceWhitelist = [] } = spec;
  const findings: Finding[] = [];
  for (const repository of sourceRepos)
    if (repository.includes('*'))
      findings.push({ part: 'sourceRepos', words: [repository], rule: `${repository} must be one repository` });
  for (const { server, namespace = '' } of destinations) {
    if (server !== IN_CLUSTER)
      findings.push({ part: 'destinations', words: [server ?? namespace], rule: `the server must be ${IN_CLUSTER} (it is ${String(server)})` }); // prettier-ignore
    if (!/^[a-z0-9][a-z0-9-]*(-\*)?$/.test(namespace))
      findings.push({ part: 'destinations', words: [`namespace: ${namespace}`], rule: `${namespace} must be a namespace, or a prefix such as preview-*` }); // prettier-ignore
  }
  for (const kind of clusterResourceWhitelist)
    if (`${kind.group}${kind.kind}`.includes('*') || kind.name === undefined || /^\**$/.test(kind.name))
      findings.push({ part: 'clusterResourceWhitelist', words: wordsOf(kind), rule: `${inWords(kind)} must name a kind and its objects` }); // prettier-ignore
  for (const kind of namespaceResourceWhitelist)
    if (`${kind.group}${kind.kind}`.includes('*'))
      findings.push({ part: 'namespaceResourceWhitelist', words: wordsOf(kind), rule: `${inWords(kind)} must name a kind` }); // prettier-ignore
  if (namespaceResourceWhitelist.length === 0)
    findings.push({ part: 'namespaceResourceWhitelist', words: [], rule: 'an empty list allows every kind' });
  return findings;
}

function unusedGrants({ project, repositories, namespaces, objects, templates, isComplete }: Usage): Finding[] {
  const {
    sourceRepos = [],
    destinations = [],
    clusterResourceWhitelist = [],
    namespaceResourceWhitelist = [],
  } = project.spec ?? {};
  const findings: Finding[] = [];
  for (const repository of sourceRepos)
    if (!repositories.has(repository))
      findings.push({ part: 'sourceRepos', words: [repository], rule: `no Application of it reads ${repository}` });
  // What the others are used for is not known of a chart that is not on this machine.
  if (!isComplete) return findings;
  const created = createdFrom(objects);
  const isUsed = (allowed: AllowedKind): boolean =>
    objects.some((object) => allowsKind(allowed, object)) ||
    created.has(`${allowed.group}/${allowed.kind}`) ||
    (allowed.name === undefined && templates.has(allowed.kind)) ||
    (allowed.group === SWITCH.group && allowed.kind === SWITCH.kind);
  for (const part of ['clusterResourceWhitelist', 'namespaceResourceWhitelist'] as const)
    for (const kind of part === 'clusterResourceWhitelist' ? clusterResourceWhitelist : namespaceResourceWhitelist)
      if (!isUsed(kind))
        findings.push({ part, words: wordsOf(kind), rule: `no Application of it renders ${inWords(kind)}` });
  const hasSwitch = allowsSwitch(namespaceResourceWhitelist);
  for (const { namespace = '' } of destinations)
    if (![...namespaces].some((used) => includesNamespace(namespace, used)) && !(hasSwitch && namespace === SWITCH.namespace))
      findings.push({ part: 'destinations', words: [`namespace: ${namespace}`], rule: `no Application of it writes to the namespace ${namespace}` }); // prettier-ignore
  return findings;
}

const allowsSwitch = (kinds: readonly AllowedKind[]): boolean =>
  kinds.some(({ group, kind }) => group === SWITCH.group && kind === SWITCH.kind);

/** The kinds that controllers create from objects, and from those again. */
function createdFrom(objects: readonly KubernetesObject[]): ReadonlySet<string> {
  const created = new Set<string>();
  const next = objects.map(groupKindOf);
  for (let kind = next.pop(); kind !== undefined; kind = next.pop())
    for (const other of CREATES[kind] ?? []) {
      if (!created.has(other)) next.push(other);
      created.add(other);
    }
  return created;
}

function reach({ spec = {} }: Project, isGuarded: boolean): Finding[] {
  const { destinations = [], clusterResourceWhitelist = [], namespaceResourceWhitelist = [] } = spec;
  const findings: Finding[] = [];
  for (const kind of clusterResourceWhitelist)
    findings.push({ part: 'clusterResourceWhitelist', words: wordsOf(kind), rule: `a developer must not change ${inWords(kind)}, which belongs to the whole cluster` }); // prettier-ignore
  for (const { namespace } of destinations) {
    const words = [`namespace: ${String(namespace)}`];
    if (includesNamespace(namespace, 'kube-system'))
      findings.push({ part: 'destinations', words, rule: 'a developer must not write to kube-system' });
    // Only for on-call's switch, and what else that allows, the API server refuses.
    const isForSwitch = namespace === SWITCH.namespace && allowsSwitch(namespaceResourceWhitelist) && isGuarded;
    if (includesNamespace(namespace, SWITCH.namespace) && !isForSwitch)
      findings.push({ part: 'destinations', words, rule: `a developer must not write to argocd, where nothing enforces ${GUARD}` }); // prettier-ignore
  }
  return findings;
}

const GUARD = 'only-root-writes-to-argocd';

/** Whether every cluster refuses objects in Argo CD's namespace that do not come from root. */
function isArgocdGuarded(fleet: readonly FleetApplication[]): boolean {
  const roots = renderedOnly(fleet).filter(({ application }) => application.metadata.name === 'root');
  return roots.every(({ objects }) => {
    const guard = (kind: string): Record<string, unknown> | undefined =>
      objects.find((object) => object.kind === kind && object.metadata.name === GUARD)?.spec as
        Record<string, unknown> | undefined;
    const binding = guard('ValidatingAdmissionPolicyBinding');
    return (
      guard('ValidatingAdmissionPolicy')?.failurePolicy === 'Fail' &&
      binding?.policyName === GUARD &&
      binding.matchResources === undefined &&
      Array.isArray(binding.validationActions) &&
      binding.validationActions.includes('Deny')
    );
  });
}

/** `file:line` of a grant in the template of its project; of the list, or of the project, where it is not found. */
function placeOf(root: string, project: string, part: string, words: readonly string[]): string {
  for (const file of filesBelow(root, 'argocd').filter((name) => name.includes('/templates/'))) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    const start = lines.findIndex(
      (line, index) => line === 'kind: AppProject' && lines.slice(index, index + 5).includes(`  name: ${project}`),
    );
    if (start === -1) continue;
    const end = lines.indexOf('---', start);
    const inProject = (test: (line: string) => boolean, from = start): number =>
      lines.findIndex((line, index) => index >= from && (end === -1 || index < end) && test(line));
    const list = inProject((line) => line.startsWith(`  ${part}:`));
    const grant = words.length === 0 ? -1 : inProject((line) => words.every((word) => line.includes(word)), Math.max(list, start)); // prettier-ignore
    return `${file}:${([grant, list].find((index) => index !== -1) ?? start) + 1}`;
  }
  return 'argocd/projects/Chart.yaml:1';
}
