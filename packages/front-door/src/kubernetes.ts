// The fields of Kubernetes' objects that the front door reads.

export interface Metadata {
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: unknown;
}

interface Named {
  readonly metadata?: Metadata;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string | Date;
}

export interface IngressPath {
  readonly path?: string;
  readonly pathType: string;
  readonly backend: {
    readonly service?: { readonly name: string; readonly port?: { readonly name?: string; readonly number?: number } };
  };
}

export interface Ingress extends Named {
  readonly spec?: {
    readonly ingressClassName?: string;
    readonly rules?: readonly {
      readonly host?: string;
      readonly http?: { readonly paths: readonly IngressPath[] };
    }[];
  };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly {
        readonly hostname?: string;
        readonly ports?: readonly { readonly port: number }[];
      }[];
    };
  };
}

export interface Service extends Named {
  readonly spec?: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly name?: string; readonly port: number }[];
  };
}

export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly nodeName?: string;
  readonly targetRef?: { readonly kind?: string; readonly name?: string };
  readonly conditions?: { readonly ready?: boolean; readonly terminating?: boolean };
}

export interface EndpointSlice extends Named {
  readonly addressType: string;
  // Null in the slice of a Service without pods.
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[] | null;
  readonly endpoints?: readonly SliceEndpoint[] | null;
}

export interface Pod extends Named {
  readonly spec?: { readonly readinessGates?: readonly { readonly conditionType: string }[] };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface Node extends Named {
  readonly spec?: { readonly podCIDR?: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** The objects that the front door works from. */
export interface ClusterState {
  readonly ingresses: readonly Ingress[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
}

/** `namespace/name`, or `name` for an object without a namespace. */
export const keyOf = ({ metadata }: Named): string =>
  metadata?.namespace === undefined ? (metadata?.name ?? '') : `${metadata.namespace}/${metadata.name ?? ''}`;

export const byKey = <T extends Named>(objects: readonly T[]): ReadonlyMap<string, T> =>
  new Map(objects.map((object) => [keyOf(object), object]));
