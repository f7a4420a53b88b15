import { createHash } from 'node:crypto';
import {
  groupName,
  groupOrder,
  type LoadBalancerSettings,
  loadBalancerSettings,
  type TargetGroupSettings,
  targetGroupSettings,
} from './annotations.ts';
import { endpointResolver, type Endpoints, servicePort } from './endpoints.ts';
import { byKey, type ClusterState, type Ingress, type IngressPath, keyOf, type Service } from './kubernetes.ts';
import { isForLoadBalancer, type Rule, sortedPaths } from './routes.ts';

// What the controller would deploy, from the objects of the cluster.

/** What a target group is made from, without its endpoints. */
interface TargetGroupModel {
  readonly name: string;
  readonly namespace: string;
  readonly service: string;
  readonly port: string | number;
  readonly settings: TargetGroupSettings;
}

export interface TargetGroupSpec extends TargetGroupModel {
  readonly ingress: string;
  /** Labels of the Service's pods. */
  readonly selector: Readonly<Record<string, string>>;
  readonly endpoints: Endpoints;
}

export interface LoadBalancer {
  /** Its group, or the only Ingress that it has. */
  readonly name: string;
  readonly settings: LoadBalancerSettings;
  readonly ingresses: readonly string[];
  /** In the order in which they are asked. */
  readonly rules: readonly Rule[];
}

export interface Model {
  readonly loadBalancers: readonly LoadBalancer[];
  readonly targetGroups: readonly TargetGroupSpec[];
  /** What is wrong with an Ingress, by its key. */
  readonly problems: ReadonlyMap<string, string>;
}

/** What one Ingress contributes. */
interface IngressModel {
  readonly settings: LoadBalancerSettings;
  readonly rules: readonly Rule[];
  readonly targetGroups: readonly TargetGroupModel[];
}

const annotationsOf = ({ metadata }: Ingress | Service): Record<string, string> => metadata?.annotations ?? {};

/**
 * The name of a target group, and of its TargetGroupBinding, in the controller's form: k8s-, 8 characters of the namespace,
 * 8 of the Service, 10 of a hash. The controller's hash has more in it, such as the name of the EKS cluster.
 */
function targetGroupName(ingress: Ingress, service: Service, port: string | number): string {
  const uuid = createHash('sha256')
    .update(`${keyOf(ingress)} ${service.metadata?.uid ?? ''} ${port}`)
    .digest('hex');
  const short = (text = ''): string => text.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 8);
  return `k8s-${short(service.metadata?.namespace)}-${short(service.metadata?.name)}-${uuid.slice(0, 10)}`;
}

function targetGroupOf(
  ingress: Ingress,
  { backend }: IngressPath,
  services: ReadonlyMap<string, Service>,
): TargetGroupModel | undefined {
  const name = backend.service?.name ?? '';
  const port = backend.service?.port?.name ?? backend.service?.port?.number ?? '';
  const namespace = ingress.metadata?.namespace ?? '';
  const service = services.get(`${namespace}/${name}`);
  if (service === undefined || servicePort(service, port) === undefined) return undefined;
  const settings = targetGroupSettings({ ...annotationsOf(ingress), ...annotationsOf(service) });
  return { name: targetGroupName(ingress, service, port), namespace, service: name, port, settings };
}

/** Throws for annotations that the controller or AWS refuses. */
function ingressModel(ingress: Ingress, services: ReadonlyMap<string, Service>): IngressModel {
  const rules: Rule[] = [];
  const targetGroups = new Map<string, TargetGroupModel>();
  for (const { host, http } of ingress.spec?.rules ?? [])
    for (const path of sortedPaths(http?.paths ?? [])) {
      const group = targetGroupOf(ingress, path, services);
      if (group !== undefined) targetGroups.set(group.name, group);
      rules.push({ host, path: path.path ?? '/', isExact: path.pathType === 'Exact', targetGroup: group?.name });
    }
  const settings = loadBalancerSettings(annotationsOf(ingress));
  return { settings, rules, targetGroups: [...targetGroups.values()] };
}

/**
 * Makes models, one after the other. An Ingress that cannot be made anew stays as it was, as the controller leaves it.
 */
export function modelBuilder(): (state: ClusterState) => Model {
  const last = new Map<string, IngressModel>();
  return (state) => {
    const services = byKey(state.services);
    const resolve = endpointResolver(state);
    const problems = new Map<string, string>();
    const present = new Map<string, Ingress>();
    for (const ingress of state.ingresses.filter(isForLoadBalancer)) {
      const key = keyOf(ingress);
      present.set(key, ingress);
      try {
        last.set(key, ingressModel(ingress, services));
      } catch (error) {
        problems.set(key, error instanceof Error ? error.message : String(error));
      }
    }
    for (const key of last.keys()) if (!present.has(key)) last.delete(key);

    const targetGroups = new Map<string, TargetGroupSpec>();
    for (const [ingress, { targetGroups: groups }] of last)
      for (const group of groups) {
        const service = services.get(`${group.namespace}/${group.service}`);
        if (service === undefined) continue;
        const endpoints = resolve(service, servicePort(service, group.port)?.name);
        targetGroups.set(group.name, { ...group, ingress, selector: service.spec?.selector ?? {}, endpoints });
      }
    const groups = Map.groupBy(last.keys(), (key) => groupName(annotationsOf(present.get(key) ?? {})) ?? key);
    const loadBalancers: LoadBalancer[] = [];
    for (const [name, keys] of groups) {
      const order = (key: string): number => groupOrder(annotationsOf(present.get(key) ?? {}));
      const ingresses = keys.sort((a, b) => order(a) - order(b) || a.localeCompare(b));
      const models = ingresses.flatMap((key) => last.get(key) ?? []);
      const [first] = models;
      if (first === undefined) continue;
      // Attributes must be equal in a group; the controller refuses a group in which they are not.
      loadBalancers.push({ name, settings: first.settings, ingresses, rules: models.flatMap(({ rules }) => rules) });
    }
    return { loadBalancers, targetGroups: [...targetGroups.values()], problems };
  };
}
