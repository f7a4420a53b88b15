import type { IncomingMessage } from 'node:http';
import type { LoadBalancerSettings } from './annotations.ts';
import type { LoadBalancer, Model } from './model.ts';
import { hostName, isLoopback, matchesHost, matchesPath } from './routes.ts';
import type { TargetGroup } from './target-group.ts';

/** Where a request goes: to a group, or to an answer of the front door's own. */
export type Route =
  | { readonly group: TargetGroup; readonly path: string; readonly settings: LoadBalancerSettings }
  | { readonly status: number; readonly text: string };

/** A request in origin form, also where the client sent an absolute one. */
function originForm(request: IncomingMessage): { host: string; path: string } {
  const { url = '/', headers } = request;
  if (url.startsWith('/')) return { host: hostName(headers.host ?? ''), path: url };
  const parsed = URL.parse(url);
  if (parsed === null) return { host: hostName(headers.host ?? ''), path: '' };
  return { host: parsed.hostname, path: parsed.pathname + parsed.search };
}

/** How well a load balancer's host fits: an exact name before a longer wildcard before a shorter one, as DNS would. */
function fit({ rules }: LoadBalancer, host: string): number {
  const fitting = rules.filter((rule) => matchesHost(rule.host, host)).map((rule) => rule.host ?? '');
  return Math.max(-1, ...fitting.map((name) => (name.includes('*') || name === '' ? name.length : 1000)));
}

/**
 * Chooses the load balancer by the host, as DNS would, and the target group by its rules. A host of loopback itself belongs
 * to the only load balancer, so that programs that cannot resolve *.localhost reach it as well.
 */
export function createRouter(
  { loadBalancers }: Model,
  groups: ReadonlyMap<string, TargetGroup>,
): (request: IncomingMessage) => Route {
  const hosts = loadBalancers.flatMap(({ rules }) => rules.map(({ host }) => host ?? '*'));
  const names = [...new Set(hosts)].join(', ') || 'none, since there is no Ingress of class alb';
  const chosen = new Map<string, LoadBalancer | undefined>();

  function choose(host: string): LoadBalancer | undefined {
    if (isLoopback(host)) return loadBalancers.length === 1 ? loadBalancers[0] : undefined;
    const fitting = loadBalancers.filter((balancer) => fit(balancer, host) >= 0);
    return fitting.sort((a, b) => fit(b, host) - fit(a, host))[0];
  }

  function balancerOf(host: string): LoadBalancer | undefined {
    if (chosen.has(host)) return chosen.get(host);
    const balancer = choose(host);
    // Clients can name any host; only those of Ingresses are worth remembering.
    if (balancer !== undefined) chosen.set(host, balancer);
    return balancer;
  }

  return (request) => {
    const { host, path } = originForm(request);
    if (!path.startsWith('/')) return { status: 400, text: '400: no valid path' };
    const balancer = balancerOf(host);
    if (balancer === undefined)
      return { status: 404, text: `404: no Ingress has the host ${JSON.stringify(host)}. Hosts: ${names}` };
    const [pathname = '/'] = path.split('?');
    const rule = balancer.rules.find(
      (candidate) => (isLoopback(host) || matchesHost(candidate.host, host)) && matchesPath(candidate, pathname),
    );
    if (rule === undefined)
      return { status: 404, text: `404: no rule of Ingress ${balancer.ingresses.join(', ')} has this path` };
    const group = groups.get(rule.targetGroup ?? '');
    if (group === undefined)
      return { status: 503, text: `503: the Service of Ingress ${balancer.ingresses.join(', ')} does not exist` };
    return { group, path, settings: balancer.settings };
  };
}
