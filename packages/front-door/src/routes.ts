import type { Ingress, IngressPath } from './kubernetes.ts';

/** One rule of a listener. */
export interface Rule {
  /** A name, or one with wildcards (`*.example.com`); undefined matches every host. */
  readonly host: string | undefined;
  readonly path: string;
  readonly isExact: boolean;
  /** The name of its target group; undefined where the Service does not exist. */
  readonly targetGroup: string | undefined;
}

/** The host of a request without its port, in lower case. */
export const hostName = (host: string): string => host.replace(/:\d+$/, '').toLowerCase();

/** Whether a host is this machine's own, which no Ingress names. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** `*` stands for any characters, dots included ("Host conditions" in the user guide of Application Load Balancers). */
export function matchesHost(pattern: string | undefined, host: string): boolean {
  if (pattern === undefined || pattern.toLowerCase() === host) return true;
  if (!pattern.includes('*')) return false;
  const expression = pattern.toLowerCase().replaceAll('.', '\\.').replaceAll('*', '.*');
  return new RegExp(`^${expression}$`).test(host);
}

/** `/foo` as a prefix matches /foo and /foo/bar and not /foobar (the controller makes the patterns /foo and /foo/*). */
export function matchesPath({ path, isExact }: Pick<Rule, 'path' | 'isExact'>, requested: string): boolean {
  if (isExact) return requested === path;
  const prefix = path.replace(/\/$/, '');
  return requested === prefix || requested.startsWith(`${prefix}/`);
}

/** The controller's order within a rule of an Ingress: exact paths, then prefixes by their length, then all others. */
export function sortedPaths(paths: readonly IngressPath[]): IngressPath[] {
  const rank = ({ pathType }: IngressPath): number => (pathType === 'Exact' ? 0 : pathType === 'Prefix' ? 1 : 2);
  return [...paths].sort((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    return rank(a) === 1 ? (b.path ?? '').length - (a.path ?? '').length : 0;
  });
}

/** Whether an Ingress is the AWS Load Balancer Controller's. */
export const isForLoadBalancer = ({ spec }: Ingress): boolean => spec?.ingressClassName === 'alb';
