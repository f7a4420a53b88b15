import { namespaceOf } from '../kubernetes/namespace.ts';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { type LabelSelector, selects } from '../kubernetes/selector.ts';
import { type FleetApplication, labelOf } from '../render/fleet.ts';
import { type ClusterModel, clusterModels, type ModelObject } from './cluster-model.ts';
import { objectProblem } from './location.ts';
import type { ProofContext } from './proof.ts';
import { causeOf, settingPlace } from './references/cause.ts';
import { fieldsAt, isHolder, pathIn } from './references/fields.ts';
import { isClusterWide, type NamedObjects, namedObjects, type Target } from './references/named-objects.ts';
import { CONTROLLERS, PRESENT } from './references/present.ts';
import { type Beside, type Reference, REFERENCES, SELECTIONS } from './references/table.ts';
import { unmetTerms } from './references/terms.ts';

/** A reference of an object, as its field has it. */
interface Found {
  readonly holder: ModelObject;
  readonly path: string;
  /** group/Kind */
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  /** The key of the target's data that it names. */
  readonly key: string | undefined;
  /** The field of that key. */
  readonly keyField: string | undefined;
}

/** What is wrong with a reference. */
interface Finding {
  readonly cluster: string;
  /** Equal for what one line reports. */
  readonly place: string;
  readonly key: string;
  readonly rule: string;
  /** What needs it. */
  readonly holder: string;
}

/**
 * Names by which one object needs another that its cluster does not have: neither rendered, nor made by a controller, nor
 * at hand by a declared fact (references/present.ts). references/table.ts lists the fields.
 */
export function unresolvedReferences(
  fleet: readonly FleetApplication[],
  { root }: Pick<ProofContext, 'root'>,
): string[] {
  const findings: Finding[] = [];
  for (const model of clusterModels(fleet)) {
    const named = namedObjects(model);
    const found = referencesOf(model);
    for (const reference of found) {
      const broken = brokenRule(reference, model, named);
      if (broken !== undefined) findings.push(finding(root, model, reference, broken));
    }
    findings.push(...missingNamespaces(root, model, named));
    for (const entry of model.entries) findings.push(...emptySelections(root, model, entry));
    findings.push(...cycles(root, model, found, named));
    for (const { at, path, line, key, rule } of unmetTerms(model)) {
      const cause = line === undefined ? undefined : causeOf(root, at.maker, line.text, line.field, [at.object.kind]);
      const where = atObject(root, at, path, cause?.place);
      const named = key === 'values' ? (cause?.key ?? where.key) : where.key;
      findings.push({ cluster: model.cluster.name, place: where.place, key: named, rule, holder: '' });
    }
  }
  return inLines(findings);
}

/** Every reference of a cluster's objects. */
function referencesOf(model: ClusterModel): Found[] {
  const found: Found[] = [];
  for (const holder of model.entries) {
    // What operators make is read from what they make it of.
    if (holder.origin === 'made' && holder.object.kind !== 'Application') continue;
    if (holder.object.kind === 'ApplicationSet' && !generates(model, holder.object)) continue;
    for (const reference of REFERENCES)
      if (isHolder(reference.holders, holder.object)) found.push(...inObject(holder, reference));
  }
  return found;
}

/** Whether an ApplicationSet generates something in a cluster: one that does not needs nothing. */
const generates = ({ applications }: ClusterModel, set: KubernetesObject): boolean =>
  applications.some(({ applicationSet }) => applicationSet?.metadata.name === set.metadata.name);

function inObject(holder: ModelObject, { holders, path, target, nameOf: implied, key, isMeant }: Reference): Found[] {
  const { object } = holder;
  const found: Found[] = [];
  for (const field of fieldsAt(object, pathIn(holders, path, object))) {
    const kind = typeof target === 'string' ? target : target(field.beside);
    const value = typeof field.value === 'string' ? field.value : '';
    const name = implied === undefined ? value : implied(value);
    const counts = isMeant ?? (({ optional }: Beside): boolean => optional !== true);
    if (kind === undefined || name === undefined || !counts(field.beside)) continue;
    const { namespace } = field.beside;
    found.push({
      ...{ holder, path: field.path, kind, name },
      namespace: typeof namespace === 'string' ? namespace : namespaceOf(object),
      key: key === undefined ? undefined : (field.beside[key] as string | undefined),
      keyField: key,
    });
  }
  return found;
}

/** What must hold for a reference and does not. */
interface Broken {
  readonly rule: string;
  /** The text that has to change: the name, or the key. */
  readonly text: string;
  /** The last word of its field. */
  readonly field: string;
}

/** Undefined where a reference resolves, or where something unknown may bring its target. */
function brokenRule(
  { kind, name, namespace, key, path, keyField }: Found,
  model: ClusterModel,
  named: NamedObjects,
): Broken | undefined {
  const title = titleOf(kind);
  const target = named.find(kind, name, namespace);
  if (target === undefined) {
    if (mayBeUnknown(model, kind, namespace)) return undefined;
    const names = named.names(kind, namespace);
    const known = names.length === 0 ? 'there is none' : `there is ${shortList(names)}`;
    const where = isClusterWide(kind) ? 'of the cluster' : `in namespace ${namespace}`;
    const rule = `must name ${/^[AEIOU]/.test(title) ? 'an' : 'a'} ${title} ${where}: ${known} (it is ${JSON.stringify(name)})`;
    return {
      rule,
      text: name,
      field:
        path
          .replaceAll(/\[[^\]]*\]/g, '')
          .split('.')
          .at(-1) ?? '',
    };
  }
  if (key === undefined || target.keys === undefined || target.keys.has(key)) return undefined;
  const keys = target.keys.size === 0 ? 'none' : shortList([...target.keys].sort());
  const rule = `must name a key of ${title}/${name}: it has ${keys} (it is ${JSON.stringify(key)})`;
  return { rule, text: key, field: keyField ?? '' };
}

/** Secret of /Secret. */
const titleOf = (kind: string): string => kind.slice(kind.indexOf('/') + 1);

const MOST = 6;
const shortList = (names: readonly string[]): string =>
  names.length > MOST ? `${names.slice(0, MOST).join(', ')} and ${names.length - MOST} more` : names.join(', ');

/** Whether an Application that does not render may bring a target: what is wrong with that is reported already. */
const mayBeUnknown = ({ unknown }: ClusterModel, kind: string, namespace: string): boolean =>
  unknown.some(
    ({ application: { metadata, spec } }) =>
      isClusterWide(kind) ||
      spec.destination.namespace === namespace ||
      metadata.name === 'root' ||
      spec.project === '',
  );

function finding(root: string, model: ClusterModel, reference: Found, { rule, text, field }: Broken): Finding {
  const { holder, path, kind, name } = reference;
  const cluster = model.cluster.name;
  const needs = `${nameOf(holder.object)} ${path}`;
  const controller = CONTROLLERS.find((one) => one.kind === kind && one.name === name)?.controller;
  if (controller !== undefined && !model.cluster.controllers.some((one) => one === controller)) {
    const missing = `${controller} is missing: it brings ${titleOf(kind)}/${name}`;
    const place = settingPlace(root, cluster, 'controllers');
    return { cluster, place, key: 'controllers', rule: missing, holder: needs };
  }
  const hints = [titleOf(kind), holder.object.kind, ...holder.object.metadata.name.split('-')];
  const cause = causeOf(root, holder.maker, text, field, hints);
  if (cause?.key !== undefined) return { cluster, place: cause.place, key: cause.key, rule, holder: needs };
  return { cluster, ...atObject(root, holder, path, cause?.place), rule, holder: '' };
}

/** The place of an object's field, in the words of all other problems. */
function atObject(
  root: string,
  { maker, object }: ModelObject,
  path: string,
  place: string | undefined,
): { readonly place: string; readonly key: string } {
  const line = objectProblem(root, maker, { object: nameOf(object), path: '', rule: '' });
  return { place: place ?? /^\S+:\d+(?=: )/.exec(line)?.[0] ?? '', key: `${labelOf(maker)} ${nameOf(object)} ${path}` };
}

/** Objects in a Namespace that the cluster does not have; an Application's own is a reference of its destination. */
function missingNamespaces(root: string, { cluster, entries, unknown }: ClusterModel, named: NamedObjects): Finding[] {
  if (unknown.length > 0) return [];
  const found = new Map<string, Finding>();
  for (const holder of entries) {
    const { namespace } = holder.object.metadata;
    if (namespace === undefined || namespace === holder.maker.application.spec.destination.namespace) continue;
    if (named.find('/Namespace', namespace, '') !== undefined) continue;
    const rule = `must be a namespace of the cluster: ${shortList(named.names('/Namespace', ''))} (it is ${namespace})`;
    const cause = causeOf(root, holder.maker, namespace, 'namespace', [holder.object.kind]);
    const where = atObject(root, holder, 'metadata.namespace', cause?.place);
    const finding = { cluster: cluster.name, ...where, key: cause?.key ?? where.key, rule, holder: '' };
    // One for each, however many objects are in it.
    found.set(`${namespace} ${labelOf(holder.maker)}`, finding);
  }
  return [...found.values()];
}

/** Selectors of namespaces that choose none of the cluster's. */
function emptySelections(root: string, model: ClusterModel, holder: ModelObject): Finding[] {
  const found: Finding[] = [];
  for (const { holders, path } of SELECTIONS) {
    if (!isHolder(holders, holder.object)) continue;
    for (const field of fieldsAt(holder.object, pathIn(holders, path, holder.object))) {
      const selector = field.value as LabelSelector;
      if (model.unknown.length > 0 || namespaceLabels(model).some((labels) => selects(selector, labels))) continue;
      const rule = `must select a Namespace of the cluster (it is ${JSON.stringify(selector)})`;
      const [text] = Object.values(selector.matchLabels ?? {});
      const cause =
        text === undefined ? undefined : causeOf(root, holder.maker, text, 'matchLabels', [holder.object.kind]);
      const where = atObject(root, holder, field.path, cause?.place);
      found.push({ cluster: model.cluster.name, ...where, key: cause?.key ?? where.key, rule, holder: '' });
    }
  }
  return found;
}

/** The labels of every Namespace: those that Git sets, and its name, which Kubernetes adds. */
function namespaceLabels(model: ClusterModel): Readonly<Record<string, string>>[] {
  const labels = model.objects
    .filter(({ kind }) => kind === 'Namespace')
    .map(({ metadata }) => ({ ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name }));
  const present = PRESENT.filter(({ kind }) => kind === '/Namespace');
  return [...labels, ...present.map(({ name }) => ({ 'kubernetes.io/metadata.name': name }))];
}

/** Objects that need each other in a circle: none of them can come first. */
function cycles(root: string, model: ClusterModel, references: readonly Found[], named: NamedObjects): Finding[] {
  const needs = new Map<KubernetesObject, { readonly reference: Found; readonly target: KubernetesObject }[]>();
  for (const reference of references) {
    const target: Target | undefined = named.find(reference.kind, reference.name, reference.namespace);
    if (target?.object === undefined || target.object === reference.holder.object) continue;
    const list = needs.get(reference.holder.object) ?? [];
    needs.set(reference.holder.object, [...list, { reference, target: target.object }]);
  }
  const found: Finding[] = [];
  const done = new Set<KubernetesObject>();
  const visit = (object: KubernetesObject, way: readonly KubernetesObject[]): void => {
    if (done.has(object)) return;
    for (const { reference, target } of needs.get(object) ?? []) {
      const start = [...way, object].indexOf(target);
      if (start === -1) {
        visit(target, [...way, object]);
        continue;
      }
      const circle = [...[...way, object].slice(start), target].map(nameOf).join(' → ');
      const rule = `needs itself: ${circle}; none of them can be ready first`;
      const hints = [reference.holder.object.kind];
      const cause = causeOf(root, reference.holder.maker, reference.name, 'name', hints);
      const where = atObject(root, reference.holder, reference.path, cause?.place);
      found.push({ cluster: model.cluster.name, ...where, key: cause?.key ?? where.key, rule, holder: '' });
    }
    done.add(object);
  };
  for (const object of needs.keys()) visit(object, []);
  return found;
}

/** One line for each cause, with what needs it and where else it is so. */
function inLines(findings: readonly Finding[]): string[] {
  const lines = new Map<string, { holders: Set<string>; clusters: Set<string> }>();
  for (const { place, key, rule, holder, cluster } of findings) {
    const line = `${place}: ${key}: ${rule}`;
    const { holders, clusters } = lines.get(line) ?? { holders: new Set(), clusters: new Set() };
    if (holder !== '') holders.add(holder);
    lines.set(line, { holders, clusters: clusters.add(cluster) });
  }
  return [...lines].map(([line, { holders, clusters }]) => {
    const [first, ...others] = holders;
    if (first === undefined) return line;
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    return `${line}; for ${first}${more} of ${[...clusters].join(', ')}`;
  });
}
