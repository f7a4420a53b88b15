import { argocdValueFiles, oldestFirst, settingPlace } from '@gitops/settings';
import { readYamlFile, valueAt } from '@gitops/settings/yaml-file';
import { type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { type RenderedApplication, renderedOnly } from '../../render/rendered.ts';
import { objectProblem } from '../location.ts';
import { originOf } from '../origin.ts';
import type { ProofContext } from '../proof.ts';

/** A name of DNS that a cluster answers for. */
interface Claim {
  readonly cluster: string;
  readonly host: string;
  /** Who answers, besides the cluster; claims of one holder do not exclude each other. */
  readonly holder: string;
  /** Whether all names below it belong to the cluster as well. */
  readonly isDomain?: boolean;
  /** The Ingress of a load balancer that several share, and when its rules are asked. */
  readonly shared?: { readonly ingress: string; readonly order: number };
  readonly locate: () => Location;
}

interface Location {
  /** `file:line` */
  readonly place: string;
  readonly key: string;
}

/**
 * Hosts and domains that two clusters, or two Applications of one, claim; the newer line is the one to change. A wildcard
 * beside a host below it is no second claim: DNS prefers the host. But a load balancer that both share asks its rules in
 * their order, so that the wildcard must come later.
 */
export function claimedTwice(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const claims = [...ofObjects(fleet, root), ...ofClusters(fleet, root)];
  const found = new Set<string>();
  for (const [index, claim] of claims.entries())
    for (const other of claims.slice(index + 1)) {
      if (!excludes(claim, other)) continue;
      const pair = [claim, other].map((each) => ({ ...each, ...each.locate() }));
      const [first, second] = oldestFirst(root, pair);
      if (first === undefined || second === undefined) continue;
      const who = first.cluster === second.cluster ? first.holder : `${first.cluster} (${first.holder})`;
      const rule = `${second.host} already leads to ${who}, by ${first.place}; each host belongs to one`;
      found.add(`${second.place}: ${second.key}: ${rule}`);
    }
  for (const wildcard of claims)
    for (const host of claims) if (isAskedFirst(wildcard, host)) found.add(captured(wildcard, host));
  return [...found];
}

/** Whether a load balancer sends what is for a host to a wildcard of another Ingress. */
function isAskedFirst(wildcard: Claim, host: Claim): boolean {
  const [first, second] = [wildcard.shared, host.shared];
  if (first === undefined || second === undefined || first.ingress === second.ingress) return false;
  if (wildcard.cluster !== host.cluster || wildcard.holder !== host.holder) return false;
  if (!wildcard.host.startsWith('*.') || !isBelow(host.host, wildcard.host.slice(2))) return false;
  // Of one order, the controller goes by namespace and name.
  return first.order === second.order ? first.ingress < second.ingress : first.order < second.order;
}

function captured(wildcard: Claim, host: Claim): string {
  const { place, key } = wildcard.locate();
  const [first, second] = [wildcard, host].map(({ shared }) => `${shared?.ingress ?? ''} has ${shared?.order ?? 0}`);
  const rule = `${wildcard.host} takes the requests for ${host.host}, by ${host.locate().place}: ${host.holder} asks its rules by their order (${first}, ${second}); give the wildcard the greater one (ingress.groupOrder)`;
  return `${place}: ${key}: ${rule}`;
}

function excludes(a: Claim, b: Claim): boolean {
  if (a.cluster === b.cluster && a.holder === b.holder) return false;
  if (a.host === b.host) return true;
  // The previews of a cluster have names below its domain.
  if (a.cluster === b.cluster) return false;
  return (a.isDomain === true && isBelow(b.host, a.host)) || (b.isDomain === true && isBelow(a.host, b.host));
}

const isBelow = (host: string, domain: string): boolean => host.endsWith(`.${domain}`);

interface Routes {
  readonly rules?: readonly { readonly host?: string }[];
  readonly hostnames?: readonly string[];
}

/** The hosts of Ingresses and HTTPRoutes. Those of one load balancer, by its group, share their hosts. */
function ofObjects(fleet: readonly FleetApplication[], root: string): Claim[] {
  const claims: Claim[] = [];
  for (const entry of renderedOnly(fleet)) {
    // Their hosts are below the domain of previews, which is a claim of its own.
    if (entry.application.spec.project === 'previews') continue;
    for (const object of entry.objects)
      for (const host of hostsOf(object)) {
        const { annotations = {} } = object.metadata;
        const group = annotations[`${ALB}group.name`];
        const holder = group === undefined ? entry.application.metadata.name : `the load balancer ${group}`;
        const locate = (): Location => locationOf(root, entry, object, host);
        const order = Number(annotations[`${ALB}group.order`] ?? 0);
        const ingress = `${object.metadata.namespace ?? entry.application.spec.destination.namespace ?? ''}/${object.metadata.name}`;
        const shared = group === undefined ? {} : { shared: { ingress, order } };
        claims.push({ cluster: entry.cluster.name, host, holder, locate, ...shared });
      }
  }
  return claims;
}

const ALB = 'alb.ingress.kubernetes.io/';

function hostsOf({ kind, spec }: KubernetesObject): readonly string[] {
  const { rules = [], hostnames = [] } = (spec ?? {}) as Routes;
  if (kind === 'HTTPRoute') return hostnames;
  return kind === 'Ingress' ? rules.flatMap(({ host }) => (host === undefined ? [] : [host])) : [];
}

function locationOf(root: string, entry: RenderedApplication, object: KubernetesObject, host: string): Location {
  const origin = originOf(root, entry, host);
  if (origin !== undefined) return { place: origin.place, key: origin.keys.join('.') };
  const [place = '', key = ''] = objectProblem(root, entry, { object: nameOf(object), path: '', rule: '' }).split(': ');
  return { place, key };
}

/** Argo CD's own domain, and that of previews. */
function ofClusters(fleet: readonly FleetApplication[], root: string): Claim[] {
  const claims: Claim[] = [];
  for (const cluster of new Map(fleet.map((entry) => [entry.cluster.name, entry.cluster])).values()) {
    const { name } = cluster;
    // The domain differs from cluster to cluster, so that it stands in the last file.
    for (const file of argocdValueFiles(name).slice(-1)) {
      const { content, position } = readYamlFile(root, file);
      const host = valueAt(content, DOMAIN);
      if (typeof host !== 'string') continue;
      const locate = (): Location => ({ place: position(DOMAIN) ?? `${file}:1`, key: DOMAIN.join('.') });
      claims.push({ cluster: name, host, holder: 'argocd', locate });
    }
    if (cluster.provider !== 'aws' || cluster.previews === undefined) continue;
    const key = ['previews', 'domain'];
    const locate = (): Location => ({ place: settingPlace(root, name, key), key: key.join('.') });
    claims.push({ cluster: name, host: cluster.previews.domain, holder: 'previews', isDomain: true, locate });
  }
  return claims;
}

const DOMAIN = ['global', 'domain'];
