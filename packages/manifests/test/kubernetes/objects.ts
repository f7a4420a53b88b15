import { blocking, type Change, changesBetween } from '../../src/kubernetes/changes.ts';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';

interface Head {
  readonly apiVersion?: string;
  readonly name?: string;
  readonly annotations?: Record<string, string>;
}

/** An object of a kind, with fields beside its metadata. */
export const object = (
  kind: string,
  fields: object = {},
  { apiVersion = 'v1', name = 'api', annotations }: Head = {},
): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
  ...fields,
});

export const workload = (spec: object, kind = 'Deployment'): KubernetesObject =>
  object(kind, { spec }, { apiVersion: 'apps/v1' });

/** Rules of an Ingress that lead to a Service. */
export const rulesTo = (name: string): object => ({
  rules: [{ http: { paths: [{ path: '/', backend: { service: { name, port: { name: 'http' } } } }] } }],
});

/** An Ingress of AWS Load Balancer Controller, with its annotations by their short names. */
export const ingress = (
  annotations: Record<string, string> = {},
  { name = 'api', spec = {} }: { name?: string; spec?: object } = {},
): KubernetesObject =>
  object(
    'Ingress',
    { spec: { ingressClassName: 'alb', ...rulesTo('api'), ...spec } },
    {
      apiVersion: 'networking.k8s.io/v1',
      name,
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`alb.ingress.kubernetes.io/${key}`, value]),
      ),
    },
  );

type Objects = KubernetesObject | KubernetesObject[];

export const changes = (before: Objects, after: Objects): Change[] => changesBetween([before].flat(), [after].flat());

/** Changes as text: `STOP immutable Deployment/api spec.selector`. */
export const shown = (list: readonly Change[]): string[] =>
  list.map((change) => `${blocking(change) ? 'STOP ' : ''}${change.kind} ${change.object} ${change.path}`.trim());
