import { groupOf, type KubernetesObject } from './object.ts';
import type { Labels, LabelSelector } from './selector.ts';

// What the proofs read of pods. Every field may be absent: that objects have the right shape is proven elsewhere,
// against Kubernetes' own schema, and a proof must still report the problems of a broken object.

export interface Handler {
  readonly httpGet?: { readonly path?: string; readonly port?: number | string };
  readonly tcpSocket?: { readonly port?: number | string };
  readonly grpc?: { readonly port?: number };
}

export interface Probe extends Handler {
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold?: number;
}

export interface Resources {
  readonly requests?: Readonly<Record<string, string | number>>;
  readonly limits?: Readonly<Record<string, string | number>>;
}

interface Reference {
  readonly name?: string;
  /** Of what has several. */
  readonly key?: string;
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly imagePullPolicy?: string;
  readonly restartPolicy?: string;
  readonly args?: readonly string[];
  readonly ports?: readonly ContainerPort[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly configMapKeyRef?: Reference; readonly secretKeyRef?: Reference };
  }[];
  readonly envFrom?: readonly { readonly configMapRef?: Reference; readonly secretRef?: Reference }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds?: number } } };
  readonly resources?: Resources;
}

export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew?: number;
  readonly minDomains?: number;
  readonly whenUnsatisfiable?: string;
  readonly labelSelector?: LabelSelector;
  readonly matchLabelKeys?: readonly string[];
}

export interface Volume {
  readonly name: string;
  readonly emptyDir?: { readonly sizeLimit?: string };
  readonly configMap?: Reference;
  readonly secret?: { readonly secretName?: string };
  readonly projected?: {
    readonly sources?: readonly { readonly configMap?: Reference; readonly secret?: Reference }[];
  };
}

export interface PodSpec {
  readonly priorityClassName?: string;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly hostNetwork?: boolean;
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly topologySpreadConstraints?: readonly SpreadConstraint[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms?: readonly {
          readonly matchExpressions?: readonly {
            readonly key: string;
            readonly operator: string;
            readonly values?: readonly string[];
          }[];
        }[];
      };
    };
    readonly podAntiAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly {
        readonly topologyKey: string;
        readonly labelSelector?: LabelSelector;
      }[];
    };
  };
  readonly overhead?: Readonly<Record<string, string | number>>;
}

export interface PodTemplate {
  readonly metadata?: { readonly labels?: Labels; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: PodSpec;
}

/** A Deployment, StatefulSet, DaemonSet or Job. */
export interface Workload extends KubernetesObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: LabelSelector;
    readonly template?: PodTemplate;
    readonly minReadySeconds?: number;
    readonly progressDeadlineSeconds?: number;
    readonly strategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly maxSurge?: number | string; readonly maxUnavailable?: number | string };
    };
    /** Of a DaemonSet or StatefulSet. */
    readonly updateStrategy?: { readonly type?: string };
  };
}

/** What is read of other kinds. */
export interface Service extends KubernetesObject {
  readonly spec?: {
    readonly type?: string;
    readonly selector?: Labels;
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly targetPort?: number | string;
      readonly protocol?: string;
    }[];
  };
}

export interface Autoscaler extends KubernetesObject {
  readonly spec?: {
    readonly scaleTargetRef?: { readonly apiVersion?: string; readonly kind?: string; readonly name?: string };
    readonly minReplicas?: number;
    readonly maxReplicas?: number;
    readonly metrics?: readonly {
      readonly type: string;
      readonly resource?: { readonly name?: string; readonly target?: { readonly type?: string } };
      readonly containerResource?: {
        readonly name?: string;
        readonly container?: string;
        readonly target?: { readonly type?: string };
      };
    }[];
  };
}

export interface DisruptionBudget extends KubernetesObject {
  readonly spec?: {
    readonly selector?: LabelSelector;
    readonly maxUnavailable?: number | string;
    readonly minAvailable?: number | string;
    readonly unhealthyPodEvictionPolicy?: string;
  };
}

/** A ConfigMap or Secret. */
export interface Data extends KubernetesObject {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly immutable?: boolean;
}

export interface ServiceBackend {
  readonly name?: string;
  readonly port?: { readonly name?: string; readonly number?: number };
}

export interface Ingress extends KubernetesObject {
  readonly spec?: {
    readonly ingressClassName?: string;
    readonly defaultBackend?: { readonly service?: ServiceBackend };
    readonly rules?: readonly {
      readonly host?: string;
      readonly http?: {
        readonly paths?: readonly {
          readonly path?: string;
          readonly backend?: { readonly service?: ServiceBackend };
        }[];
      };
    }[];
  };
}

export interface HttpRoute extends KubernetesObject {
  readonly spec?: {
    readonly rules?: readonly {
      readonly backendRefs?: readonly { readonly kind?: string; readonly name?: string; readonly port?: number }[];
    }[];
  };
}

const ofKind =
  <T extends KubernetesObject>(group: string, ...kinds: readonly string[]) =>
  (objects: readonly KubernetesObject[]): T[] =>
    objects.filter((object): object is T => groupOf(object) === group && kinds.includes(object.kind));

export const workloads = ofKind<Workload>('apps', 'Deployment', 'StatefulSet', 'DaemonSet');
export const deployments = ofKind<Workload>('apps', 'Deployment');
/** Pods that end by themselves. */
export const jobs = ofKind<Workload>('batch', 'Job');
/** Everything that has pods. */
export const podOwners = (objects: readonly KubernetesObject[]): Workload[] => [
  ...workloads(objects),
  ...jobs(objects),
];
export const services = ofKind<Service>('', 'Service');
export const autoscalers = ofKind<Autoscaler>('autoscaling', 'HorizontalPodAutoscaler');
export const disruptionBudgets = ofKind<DisruptionBudget>('policy', 'PodDisruptionBudget');
export const configMaps = ofKind<Data>('', 'ConfigMap');
export const secrets = ofKind<Data>('', 'Secret');
export const ingresses = ofKind<Ingress>('networking.k8s.io', 'Ingress');
export const httpRoutes = ofKind<HttpRoute>('gateway.networking.k8s.io', 'HTTPRoute');

export const podSpecOf = (workload: Workload): PodSpec => workload.spec?.template?.spec ?? {};
export const podLabelsOf = (workload: Workload): Labels => workload.spec?.template?.metadata?.labels ?? {};
export const containersOf = (workload: Workload): readonly Container[] => podSpecOf(workload).containers ?? [];

/** Init containers that stay: they run beside the others for the pod's whole life. */
export const sidecarsOf = ({ initContainers = [] }: PodSpec): Container[] =>
  initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');

/** Every port that a workload's containers declare. */
export const portsOf = (workload: Workload): ContainerPort[] =>
  [...containersOf(workload), ...sidecarsOf(podSpecOf(workload))].flatMap(({ ports = [] }) => ports);

/** The number of a port that is given by number or name; undefined for a name that no container declares. */
export const portNumber = (workload: Workload, port: number | string | undefined): number | undefined =>
  typeof port === 'number' ? port : portsOf(workload).find(({ name }) => name === port)?.containerPort;

/** The autoscaler of a workload, if it has one. */
export const autoscalerOf = (
  workload: KubernetesObject,
  objects: readonly KubernetesObject[],
): Autoscaler | undefined =>
  autoscalers(objects).find(
    ({ spec, metadata }) =>
      spec?.scaleTargetRef?.kind === workload.kind &&
      spec.scaleTargetRef.name === workload.metadata.name &&
      metadata.namespace === workload.metadata.namespace,
  );

/**
 * Whether an update without `spec.replicas` leaves the number of pods as it is: the annotation that
 * argocd/projects/templates/autoscaler-owns-replicas.yaml reads.
 */
export const keepsReplicas = ({ kind, metadata }: KubernetesObject): boolean =>
  kind === 'Deployment' && metadata.annotations?.['gitops-platform/autoscaled'] !== undefined;

/** Part of a whole, 1 or 25%, as a number of pods. Kubernetes rounds a surge up and unavailability down. */
export function share(value: number | string, whole: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const part = (Number(value.replace('%', '')) / 100) * whole;
  return round === 'up' ? Math.ceil(part) : Math.floor(part);
}
