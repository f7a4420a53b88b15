import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { nearest } from '../../render/nearest.ts';
import { oncePerPlace, textProblem } from '../origin.ts';
import type { ProofContext } from '../proof.ts';
import { objectsOf } from './texts.ts';

/** Names that somebody else publishes, and of which a misspelt one is refused only in the cluster. */
interface PublishedNames {
  /** Whose names they are. */
  readonly of: string;
  readonly origin: string;
  /** When they were read. */
  readonly date: string;
  readonly licence: string;
  readonly names: readonly string[];
}

const FILE = 'packages/manifests/data/published-names.json';
type List = 'tlsPolicies' | 'ingressAnnotations' | 'loadBalancerAttributes' | 'targetGroupAttributes' | 'volumeTypes';

const PUBLISHED = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../../..', FILE), 'utf8')) as Readonly<
  Record<List, PublishedNames>
>;

/** A name in an object, and the list that must have it. */
interface Use {
  readonly list: List;
  readonly path: string;
  readonly name: string;
}

/** Names of TLS policies, annotations, attributes and types of volumes that are in no published list. */
export function unpublishedNames(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found: string[] = [];
  for (const { entry, object } of objectsOf(fleet))
    for (const { list, path, name } of usesIn(object)) {
      const { names, of, date } = PUBLISHED[list];
      if (names.includes(name)) continue;
      const meant = nearest(name, names)[0] ?? '';
      const rule = `unknown name of ${of} in the list of ${date}, ${FILE}; did you mean ${meant}?`;
      found.push(textProblem(root, entry, { object: nameOf(object), path, rule }, name));
    }
  return oncePerPlace(found);
}

const PREFIX = 'alb.ingress.kubernetes.io/';
// Their names end in what people choose: the name of an action or of a condition, a protocol and a port.
const OPEN = /^(actions|conditions|transforms)\.|^listener-attributes\.[A-Z]+-\d+$/;
const ATTRIBUTES: Readonly<Record<string, List>> = {
  'load-balancer-attributes': 'loadBalancerAttributes',
  'target-group-attributes': 'targetGroupAttributes',
};

function usesIn(object: KubernetesObject): Use[] {
  if (object.kind === 'StorageClass') return volumeTypesIn(object);
  const found: Use[] = [];
  for (const [key, value] of Object.entries(object.metadata.annotations ?? {})) {
    if (!key.startsWith(PREFIX)) continue;
    const path = `metadata.annotations[${key}]`;
    const name = key.slice(PREFIX.length);
    if (!OPEN.test(name)) found.push({ list: 'ingressAnnotations', path, name });
    if (name === 'ssl-policy') found.push({ list: 'tlsPolicies', path, name: value });
    const list = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined;
    if (list === undefined) continue;
    for (const pair of value.split(',')) found.push({ list, path, name: pair.split('=')[0]?.trim() ?? '' });
  }
  return found;
}

function volumeTypesIn({ provisioner, parameters }: KubernetesObject): Use[] {
  const { type } = (parameters ?? {}) as { readonly type?: unknown };
  if (provisioner !== 'ebs.csi.aws.com' || typeof type !== 'string') return [];
  return [{ list: 'volumeTypes', path: 'parameters.type', name: type }];
}
