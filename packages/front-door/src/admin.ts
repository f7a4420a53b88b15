import { createServer, type Server } from 'node:http';
import type { FrontDoor } from './front-door.ts';
import type { ClusterState } from './kubernetes.ts';
import { askService, isForService } from './service-proxy.ts';
import type { Target } from './target.ts';

/** One row of the table of targets. */
export interface TargetRow {
  readonly pod: string;
  readonly node: string;
  /** The address that the pod reports. */
  readonly ip: string;
  readonly port: number;
  /** Where its process listens; undefined for a simulated pod, which has none. */
  readonly address: string | undefined;
  /** As DescribeTargetHealth names it; `unused` for a simulated pod. */
  readonly state: string;
  readonly reason: string | undefined;
  readonly description: string | undefined;
  /** Of the state. */
  readonly since: string | undefined;
  /** Whether it may get new requests: for some seconds also while it is draining. */
  readonly isRoutable: boolean;
  /** Requests that it works on now. */
  readonly running: number;
  /** All requests since its registration. */
  readonly requests: number;
}

/** What the admin port answers at /targets. */
export interface TargetTable {
  readonly loadBalancers: readonly { readonly name: string; readonly hosts: readonly string[] }[];
  readonly targetGroups: readonly {
    readonly name: string;
    readonly ingress: string;
    readonly service: string;
    readonly targets: readonly TargetRow[];
  }[];
  /** What is wrong, in words. */
  readonly problems: readonly string[];
}

const rowOf = ({ endpoint, state, reason, description, since, isRoutable, running, requests }: Target): TargetRow => {
  const { pod, node, ip, port, address } = endpoint;
  return {
    ...{ pod, node, ip, port, address, state, reason, description },
    since: since.toISOString(),
    isRoutable,
    running: running.size,
    requests,
  };
};

/** @param problem why the API server cannot be watched */
export function targetTable(door: FrontDoor, problem: string | undefined): TargetTable {
  const { loadBalancers, problems } = door.model();
  const hostsOf = (rules: readonly { host: string | undefined }[]): string[] => [
    ...new Set(rules.map(({ host }) => host ?? '*')),
  ];
  return {
    loadBalancers: loadBalancers.map(({ name, rules }) => ({ name, hosts: hostsOf(rules) })),
    targetGroups: door.groups().map((group) => {
      const { name, ingress, namespace, service, endpoints } = group.spec;
      const simulated = endpoints.simulated.map(({ uid: _, ...endpoint }) => ({
        ...endpoint,
        address: undefined,
        state: 'unused',
        reason: undefined,
        description: 'the pod is simulated: no process answers',
        since: undefined,
        isRoutable: false,
        running: 0,
        requests: 0,
      }));
      return {
        name,
        ingress,
        service: `${namespace}/${service}`,
        targets: [...group.targets().map(rowOf), ...simulated],
      };
    }),
    problems: [
      ...(problem === undefined ? [] : [`the API server cannot be watched: ${problem}; targets stay as they were`]),
      ...Array.from(problems, ([ingress, text]) => `Ingress ${ingress} is not taken over: ${text}`),
    ],
  };
}

/**
 * The admin port: /healthz for whoever started the front door, /targets as JSON; and, as an HTTP proxy, the Services of
 * the cluster for its pods.
 */
export function createAdmin(table: () => TargetTable, state: () => ClusterState | undefined): Server {
  return createServer((request, response) => {
    if (isForService(request)) {
      askService(state(), request, response);
      return;
    }
    switch (request.url) {
      case '/healthz':
        response.end('ok\n');
        break;
      case '/targets':
        response.setHeader('Content-Type', 'application/json');
        response.end(`${JSON.stringify(table(), null, 2)}\n`);
        break;
      default:
        response.writeHead(404).end('try /healthz or /targets\n');
    }
  });
}
