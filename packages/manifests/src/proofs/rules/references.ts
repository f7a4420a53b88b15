import type { KubernetesObject } from '../../kubernetes/object.ts';
import { isEmpty, type LabelSelector, selects } from '../../kubernetes/selector.ts';
import {
  autoscalers,
  configMaps,
  type Container,
  containersOf,
  disruptionBudgets,
  groupOf,
  httpRoutes,
  ingresses,
  podLabelsOf,
  podSpecOf,
  portsOf,
  secrets,
  type ServiceBackend,
  services,
  type Volume,
  workloads,
} from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';
import { chosenWorkloads, problem, type Rule, seen, serviceNamed, workloadsBehind } from './rule.ts';

interface ServiceMonitor extends KubernetesObject {
  readonly spec?: {
    readonly selector?: LabelSelector;
    readonly endpoints?: readonly { readonly port?: string; readonly path?: string }[];
  };
}

const isServiceMonitor = (object: KubernetesObject): object is ServiceMonitor =>
  object.kind === 'ServiceMonitor' && groupOf(object) === 'monitoring.coreos.com';
const isNetworkPolicy = (
  object: KubernetesObject,
): object is KubernetesObject & { spec?: { podSelector?: LabelSelector } } => object.kind === 'NetworkPolicy';

const targetPorts: Rule = {
  name: 'target-ports',
  intent: 'A Service that leads to a port nobody listens on answers with connection refused.',
  check: (objects) =>
    services(objects).flatMap((service) =>
      workloadsBehind(service, objects).flatMap((workload) =>
        (service.spec?.ports ?? [])
          .filter(
            ({ port, targetPort = port }) =>
              !portsOf(workload).some(({ name, containerPort }) => name === targetPort || containerPort === targetPort),
          )
          .map(({ name, port, targetPort = port }) =>
            problem(
              service,
              `spec.ports[${name ?? port}].targetPort`,
              `must be a container port of ${workload.kind}/${workload.metadata.name} ${seen(targetPort)}`,
            ),
          ),
      ),
    ),
};

const selectors: Rule = {
  name: 'selectors',
  intent:
    'A selector that matches nothing is no error to Kubernetes: the Service has no endpoints, the budget and the policy guard nobody.',
  check: (objects) => {
    const dangling = (object: KubernetesObject, path: string, selector: LabelSelector | undefined): Problem[] =>
      chosenWorkloads(object, selector, objects).length > 0
        ? []
        : [problem(object, path, `must match the pod labels of a workload ${seen(selector)}`)];
    return [
      ...services(objects).flatMap((service) =>
        dangling(service, 'spec.selector', { matchLabels: service.spec?.selector ?? {} }),
      ),
      ...disruptionBudgets(objects).flatMap((budget) => dangling(budget, 'spec.selector', budget.spec?.selector)),
      // An empty one means every pod of the namespace, as a policy that denies by default has it.
      ...objects
        .filter(isNetworkPolicy)
        .flatMap((policy) =>
          isEmpty(policy.spec?.podSelector ?? {}) ? [] : dangling(policy, 'spec.podSelector', policy.spec?.podSelector),
        ),
      ...autoscalers(objects).flatMap((autoscaler) => {
        const { apiVersion, kind, name } = autoscaler.spec?.scaleTargetRef ?? {};
        const exists = objects.some(
          (object) => object.apiVersion === apiVersion && object.kind === kind && object.metadata.name === name,
        );
        return exists
          ? []
          : [
              problem(
                autoscaler,
                'spec.scaleTargetRef',
                `must be a workload that is rendered ${seen(autoscaler.spec?.scaleTargetRef)}`,
              ),
            ];
      }),
      ...workloads(objects).flatMap((workload) => {
        const labels = podLabelsOf(workload);
        const isOwn = (selector: LabelSelector | undefined): boolean =>
          selector !== undefined && !isEmpty(selector) && selects(selector, labels);
        const spreads = podSpecOf(workload).topologySpreadConstraints ?? [];
        return [
          ...(isOwn(workload.spec?.selector)
            ? []
            : [
                problem(
                  workload,
                  'spec.selector',
                  `must match the labels of its own pods ${seen(workload.spec?.selector)}`,
                ),
              ]),
          ...spreads.flatMap(({ topologyKey, labelSelector }) =>
            isOwn(labelSelector)
              ? []
              : [
                  problem(
                    workload,
                    `spec.template.spec.topologySpreadConstraints[${topologyKey}].labelSelector`,
                    `must match the labels of its own pods ${seen(labelSelector)}`,
                  ),
                ],
          ),
        ];
      }),
    ];
  },
};

type Reference = readonly [kind: 'ConfigMap' | 'Secret', name: string | undefined, path: string];

/** One reference, if it is there. */
const reference = (kind: Reference[0], target: { readonly name?: string } | undefined, path: string): Reference[] =>
  target === undefined ? [] : [[kind, target.name, path]];

/** What a container takes its environment from. */
const environmentReferences = ({ env = [], envFrom = [] }: Container, path: string): Reference[] => [
  ...envFrom.flatMap(({ configMapRef, secretRef }, index) => [
    ...reference('ConfigMap', configMapRef, `${path}.envFrom[${index}].configMapRef`),
    ...reference('Secret', secretRef, `${path}.envFrom[${index}].secretRef`),
  ]),
  ...env.flatMap(({ name, valueFrom }) => [
    ...reference('ConfigMap', valueFrom?.configMapKeyRef, `${path}.env[${name}].valueFrom.configMapKeyRef`),
    ...reference('Secret', valueFrom?.secretKeyRef, `${path}.env[${name}].valueFrom.secretKeyRef`),
  ]),
];

/** What a volume is filled from. */
const volumeReferences = ({ name, configMap, secret, projected }: Volume): Reference[] => [
  ...reference('ConfigMap', configMap, `volumes[${name}].configMap`),
  ...(secret === undefined ? [] : ([['Secret', secret.secretName, `volumes[${name}].secret`]] as const)),
  ...(projected?.sources ?? []).flatMap((source) => [
    ...reference('ConfigMap', source.configMap, `volumes[${name}].projected`),
    ...reference('Secret', source.secret, `volumes[${name}].projected`),
  ]),
];

/** The Secret that an ExternalSecret makes. */
const madeSecret = ({ spec, metadata }: KubernetesObject): string =>
  (spec as { target?: { name?: string } } | undefined)?.target?.name ?? metadata.name;

const references: Rule = {
  name: 'references',
  intent: 'A pod that names a ConfigMap or Secret which does not exist stays in CreateContainerConfigError.',
  check: (objects) => {
    const known = {
      ConfigMap: new Set(configMaps(objects).map(({ metadata }) => metadata.name)),
      Secret: new Set([
        ...secrets(objects).map(({ metadata }) => metadata.name),
        ...objects.filter(({ kind }) => kind === 'ExternalSecret').map(madeSecret),
      ]),
    };
    return workloads(objects).flatMap((workload) => {
      const { initContainers = [], volumes = [] } = podSpecOf(workload);
      const named = [
        ...containersOf(workload).flatMap((container) =>
          environmentReferences(container, `containers[${container.name}]`),
        ),
        ...initContainers.flatMap((container) => environmentReferences(container, `initContainers[${container.name}]`)),
        ...volumes.flatMap(volumeReferences),
      ];
      return named.flatMap(([kind, name, path]) =>
        name !== undefined && known[kind].has(name)
          ? []
          : [
              problem(
                workload,
                `spec.template.spec.${path}`,
                `must name a ${kind} that is rendered${kind === 'Secret' ? ', or made by an ExternalSecret' : ''} ${seen(name)}`,
              ),
            ],
      );
    });
  },
};

/** Every Service that an Ingress or HTTPRoute leads to. */
function backends(
  objects: readonly KubernetesObject[],
): { object: KubernetesObject; backend: ServiceBackend; path: string }[] {
  return [
    ...ingresses(objects).flatMap((ingress) => {
      const { defaultBackend, rules = [] } = ingress.spec ?? {};
      const listed = [
        defaultBackend,
        ...rules.flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend)),
      ];
      // `use-annotation` is how an Ingress asks for an action of the load balancer in place of a Service.
      return listed.flatMap((backend) =>
        backend?.service === undefined || backend.service.port?.name === 'use-annotation'
          ? []
          : [{ object: ingress, backend: backend.service, path: 'spec.rules' }],
      );
    }),
    ...httpRoutes(objects).flatMap((route) =>
      (route.spec?.rules ?? [])
        .flatMap(({ backendRefs = [] }) => backendRefs)
        .filter(({ kind = 'Service' }) => kind === 'Service')
        .map(({ name, port }) => ({
          object: route,
          backend: { ...(name === undefined ? {} : { name }), port: port === undefined ? {} : { number: port } },
          path: 'spec.rules',
        })),
    ),
  ];
}

const waysIn: Rule = {
  name: 'ways-in-lead-somewhere',
  intent: 'A rule of the load balancer without a Service, or for a port that the Service does not have, answers 503.',
  check: (objects) =>
    backends(objects).flatMap(({ object, backend, path }) => {
      const service = serviceNamed(object, backend.name, objects);
      if (service === undefined)
        return [problem(object, path, `must lead to a Service that is rendered ${seen(backend.name)}`)];
      const exists =
        service.spec?.ports?.some(({ name, port }) =>
          backend.port?.name !== undefined ? name === backend.port.name : port === backend.port?.number,
        ) === true;
      return exists
        ? []
        : [problem(object, path, `must lead to a port of Service/${service.metadata.name} ${seen(backend.port)}`)];
    }),
};

/** @param isExposed whether load balancers lead to the application; on a cluster without them nothing does */
const oneWayIn = (isExposed: boolean): Rule => ({
  name: 'one-way-in',
  intent:
    'An Ingress and an HTTPRoute for one Service make two load balancers, each with targets and a DNS name of its own; with neither nobody gets in.',
  check: (objects) => {
    const led = backends(objects);
    const twice = services(objects).flatMap((service) => {
      const from = [
        ...new Set(
          led
            .filter(({ object, backend }) => serviceNamed(object, backend.name, objects) === service)
            .map(({ object }) => `${object.kind}/${object.metadata.name}`),
        ),
      ];
      return from.length <= 1
        ? []
        : [problem(service, '', `must have one way in, an Ingress or an HTTPRoute ${seen(from.join(' and '))}`)];
    });
    const [first] = services(objects);
    if (first === undefined) return twice;
    if (isExposed && led.length === 0)
      return [...twice, problem(first, '', 'must have one way in, an Ingress or an HTTPRoute (it has none)')];
    if (!isExposed && led.length > 0)
      return [
        ...twice,
        ...led.map(({ object }) => problem(object, '', 'must not be there: the cluster has no load balancers')),
      ];
    return twice;
  },
});

const serviceMonitors: Rule = {
  name: 'service-monitors',
  intent: 'A ServiceMonitor that selects nothing, or a port that does not exist, scrapes nothing and says nothing.',
  check: (objects) =>
    objects.filter(isServiceMonitor).flatMap((monitor) => {
      const { selector, endpoints = [] } = monitor.spec ?? {};
      const selected =
        selector === undefined || isEmpty(selector)
          ? []
          : services(objects).filter(
              ({ metadata }) => metadata.namespace === monitor.metadata.namespace && selects(selector, metadata.labels),
            );
      const [service] = selected;
      if (service === undefined || selected.length > 1)
        return [
          problem(
            monitor,
            'spec.selector',
            `must select one Service ${seen(selected.map(({ metadata }) => metadata.name))}`,
          ),
        ];
      const names = (service.spec?.ports ?? []).map(({ name }) => name);
      return endpoints.flatMap(({ port, path = '/metrics' }, index) => [
        ...(port !== undefined && names.includes(port)
          ? []
          : [
              problem(
                monitor,
                `spec.endpoints[${index}].port`,
                `must name a port of Service/${service.metadata.name}, ${names.join(' or ')} ${seen(port)}`,
              ),
            ]),
        ...(path === '/metrics'
          ? []
          : [
              problem(
                monitor,
                `spec.endpoints[${index}].path`,
                `must be /metrics, where the service has them ${seen(path)}`,
              ),
            ]),
      ]);
    }),
};

export const referenceRules = (isExposed: boolean): Rule[] => [
  targetPorts,
  selectors,
  references,
  waysIn,
  oneWayIn(isExposed),
  serviceMonitors,
];
