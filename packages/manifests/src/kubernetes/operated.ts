import { groupOf, type KubernetesObject } from './object.ts';
import type { Container, PodSpec, Workload } from './workload.ts';

// The Prometheus operator makes the pods of Prometheus and Alertmanager, so that no rendered object describes them. This is
// what the proofs read of them, by pkg/prometheus/server/statefulset.go and pkg/alertmanager/statefulset.go of release 0.93.1.

/** What is read of a Prometheus or an Alertmanager. */
interface OperatedSpec extends PodSpec {
  readonly replicas?: number;
  readonly portName?: string;
  readonly image?: string;
  readonly resources?: Container['resources'];
}

const RELOADER = 'config-reloader';

/** The StatefulSets that the operator makes of the Prometheus and Alertmanager objects among these. */
export function operatedWorkloads(objects: readonly KubernetesObject[]): Workload[] {
  const found: Workload[] = [];
  for (const object of objects) {
    if (groupOf(object) !== 'monitoring.coreos.com') continue;
    if (object.kind === 'Prometheus') found.push(statefulSet(object, 'prometheus', 9090));
    if (object.kind === 'Alertmanager') found.push(statefulSet(object, 'alertmanager', 9093));
  }
  return found;
}

function statefulSet(
  { metadata, spec }: KubernetesObject,
  program: 'prometheus' | 'alertmanager',
  port: number,
): Workload {
  const wanted = (spec ?? {}) as OperatedSpec;
  const { name } = metadata;
  const labels = {
    'app.kubernetes.io/name': program,
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/managed-by': 'prometheus-operator',
    [program]: name,
    ...(program === 'prometheus' ? { 'operator.prometheus.io/name': name, 'operator.prometheus.io/shard': '0' } : {}),
  };
  const mesh = [
    { name: 'mesh-tcp', containerPort: 9094, protocol: 'TCP' },
    { name: 'mesh-udp', containerPort: 9094, protocol: 'UDP' },
  ];
  const { resources, image } = wanted;
  const containers: Container[] = [
    {
      name: program,
      ...(image === undefined ? {} : { image }),
      ...(resources === undefined ? {} : { resources }),
      ports: [{ name: wanted.portName ?? 'web', containerPort: port }, ...(program === 'alertmanager' ? mesh : [])],
    },
    { name: RELOADER, ports: [{ name: 'reloader-web', containerPort: 8080 }] },
  ];
  const { affinity, topologySpreadConstraints, serviceAccountName, enableServiceLinks } = wanted;
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { ...metadata, name: `${program}-${name}` },
    spec: {
      replicas: wanted.replicas ?? 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: patched(containers, wanted.containers),
          initContainers: patched([{ name: `init-${RELOADER}` }], wanted.initContainers),
          ...(affinity === undefined ? {} : { affinity }),
          ...(topologySpreadConstraints === undefined ? {} : { topologySpreadConstraints }),
          ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
          ...(enableServiceLinks === undefined ? {} : { enableServiceLinks }),
        },
      },
    },
  };
}

/** A container of the object replaces fields of the operator's container of that name, or is one more. */
function patched(containers: readonly Container[], patches: readonly Container[] = []): Container[] {
  const more = patches.filter(({ name }) => !containers.some((container) => container.name === name));
  const known = containers.map((container) => ({
    ...container,
    ...patches.find(({ name }) => name === container.name),
  }));
  return [...known, ...more];
}
