import { type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
import { httpRoutes, type Ingress, ingresses, type ServiceBackend, services } from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';
import { problem, type Rule, seen, serviceNamed } from './rule.ts';

/** The Services that an Ingress names, its default included. */
export function backendsOfIngress({ spec }: Ingress): ServiceBackend[] {
  const listed = [spec?.defaultBackend?.service];
  for (const { http } of spec?.rules ?? []) for (const { backend } of http?.paths ?? []) listed.push(backend?.service);
  return listed.filter((service) => service !== undefined);
}

interface WayIn {
  readonly object: KubernetesObject;
  readonly backend: ServiceBackend;
}

/** Every Service that an Ingress or HTTPRoute leads to. */
function waysInOf(objects: readonly KubernetesObject[]): WayIn[] {
  const found: WayIn[] = [];
  for (const object of ingresses(objects))
    for (const backend of backendsOfIngress(object)) {
      // `use-annotation` is how an Ingress names an action of the load balancer instead of a Service.
      if (backend.port?.name !== 'use-annotation') found.push({ object, backend });
    }
  for (const object of httpRoutes(objects))
    for (const { backendRefs = [] } of object.spec?.rules ?? [])
      for (const backend of backendRefs.filter(({ kind = 'Service' }) => kind === 'Service'))
        found.push({ object, backend: serviceBackend(backend) });
  return found;
}

/** A backend of an HTTPRoute, as an Ingress writes it. */
const serviceBackend = ({ name, port }: { readonly name?: string; readonly port?: number }): ServiceBackend => ({
  ...(name === undefined ? {} : { name }),
  port: port === undefined ? {} : { number: port },
});

const leadSomewhere: Rule = {
  name: 'ways-in-lead-somewhere',
  intent: 'A rule of the load balancer without a Service, or for a port that the Service does not have, answers 503.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const { object, backend } of waysInOf(objects)) {
      const rule = deadEnd(object, backend, objects);
      if (rule !== undefined) problems.push(problem(object, 'spec.rules', rule));
    }
    return problems;
  },
};

/** What a way in must lead to and does not; undefined if it does. */
function deadEnd(
  object: KubernetesObject,
  { name, port: wanted }: ServiceBackend,
  objects: readonly KubernetesObject[],
): string | undefined {
  const service = serviceNamed(object, name, objects);
  if (service === undefined) return `must lead to a Service that is rendered ${seen(name)}`;
  const hasPort = service.spec?.ports?.some((port) =>
    wanted?.name === undefined ? port.port === wanted?.number : port.name === wanted.name,
  );
  return hasPort === true ? undefined : `must lead to a port of Service/${service.metadata.name} ${seen(wanted)}`;
}

/** @param isExposed whether load balancers lead to the application; on a cluster without them none does */
const oneWayIn = (isExposed: boolean): Rule => ({
  name: 'one-way-in',
  intent: 'An Ingress and an HTTPRoute for one Service are two load balancers; without both, it has none.',
  check: (objects) => {
    const waysIn = waysInOf(objects);
    const problems: Problem[] = [];
    for (const service of services(objects)) {
      const from = new Set<string>();
      for (const { object, backend } of waysIn)
        if (serviceNamed(object, backend.name, objects) === service) from.add(nameOf(object));
      if (from.size > 1) {
        const rule = `must have exactly one entry point, an Ingress or an HTTPRoute ${seen([...from].join(' and '))}`;
        problems.push(problem(service, '', rule));
      }
    }
    const [first] = services(objects);
    if (first === undefined) return problems;
    if (isExposed && waysIn.length === 0)
      problems.push(problem(first, '', 'must have exactly one entry point, an Ingress or an HTTPRoute (it has none)'));
    if (!isExposed)
      for (const { object } of waysIn)
        problems.push(problem(object, '', 'must not exist: the cluster has no load balancers'));
    return problems;
  },
});

export const wayInRules = (isExposed: boolean): Rule[] => [leadSomewhere, oneWayIn(isExposed)];
