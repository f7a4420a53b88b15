import { type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
import { isEmpty, type LabelSelector, selects } from '../../kubernetes/selector.ts';
import {
  configMaps,
  type Container,
  containersOf,
  type Data,
  deployments,
  podLabelsOf,
  podOwners,
  type Service,
  services,
  type Workload,
} from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';

/** One thing that has to hold for the objects of an application, mostly a relation between two of their fields. */
export interface Rule {
  /** Short, for lists and messages: grace-period. */
  readonly name: string;
  /** What goes wrong without it. */
  readonly intent: string;
  /** @param objects everything that one Application renders */
  readonly check: (objects: readonly KubernetesObject[]) => Problem[];
}

export const problem = (object: KubernetesObject, path: string, rule: string): Problem => ({
  object: nameOf(object),
  path,
  rule,
});

/** A value as it is shown beside a rule. */
export const seen = (value: unknown): string => `(it is ${value === undefined ? 'absent' : JSON.stringify(value)})`;

const isBeside = (a: KubernetesObject, b: KubernetesObject): boolean => a.metadata.namespace === b.metadata.namespace;

/** The workloads and Jobs that a selector chooses for an object beside it; none for an empty selector. */
export const chosenWorkloads = (
  object: KubernetesObject,
  selector: LabelSelector | undefined,
  objects: readonly KubernetesObject[],
): Workload[] =>
  selector === undefined || isEmpty(selector)
    ? []
    : podOwners(objects).filter((workload) => isBeside(object, workload) && selects(selector, podLabelsOf(workload)));

/** The workloads behind a Service. */
export const workloadsBehind = (service: Service, objects: readonly KubernetesObject[]): Workload[] =>
  chosenWorkloads(service, { matchLabels: service.spec?.selector ?? {} }, objects);

/** The Service of a name, as an object beside it would find it. */
export const serviceNamed = (
  object: KubernetesObject,
  name: string | undefined,
  objects: readonly KubernetesObject[],
): Service | undefined =>
  services(objects).find((service) => isBeside(object, service) && service.metadata.name === name);

/** The ConfigMap of a name, as an object beside it would find it. */
export const configMapNamed = (
  object: KubernetesObject,
  name: string | undefined,
  objects: readonly KubernetesObject[],
): Data | undefined => configMaps(objects).find((map) => isBeside(object, map) && map.metadata.name === name);

/** A container of a Deployment. */
interface DeploymentContainer {
  readonly workload: Workload;
  readonly container: Container;
}

/** Every container of every Deployment, without init containers. */
export const deploymentContainers = (objects: readonly KubernetesObject[]): DeploymentContainer[] =>
  deployments(objects).flatMap((workload) => containersOf(workload).map((container) => ({ workload, container })));

/** The path of a container in a workload. */
export const containerPath = ({ name }: Container, ...more: readonly string[]): string =>
  [`spec.template.spec.containers[${name}]`, ...more].join('.');

/**
 * A whole number in an environment variable of a container, set directly or by a ConfigMap; undefined where it is
 * neither.
 */
export function environmentNumber(
  workload: Workload,
  { env = [], envFrom = [] }: Container,
  name: string,
  objects: readonly KubernetesObject[],
): number | undefined {
  const direct = env.find((variable) => variable.name === name)?.value;
  // The last of several sources wins.
  const value =
    direct ??
    envFrom
      .flatMap(({ configMapRef }) => configMapNamed(workload, configMapRef?.name, objects)?.data?.[name] ?? [])
      .at(-1);
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : undefined;
}
