export type ChangeKind =
  /** The API server refuses it: the sync fails until the object is deleted by hand. */
  | 'immutable'
  /** The load balancer, or the target group behind it, is replaced. */
  | 'load-balancer-replaced'
  /** A version of Argo CD before its turn. */
  | 'out-of-order'
  | 'pod-restart'
  | 'removed'
  /** The number of pods gets another owner. */
  | 'replicas-handover'
  | 'change';

/** One field, or a whole object, that differs. */
export interface Change {
  /** Deployment/fastify-service */
  readonly object: string;
  /** spec.template.spec.containers[api].image; empty for an object that is created or removed. */
  readonly path: string;
  readonly kind: ChangeKind;
  /** Undefined for what is created, as `after` is for what is removed. */
  readonly before: unknown;
  readonly after: unknown;
  /** What happens in the cluster. */
  readonly consequence: string;
}

/** The judgement of a rule about a change. */
export type Finding = Pick<Change, 'kind' | 'consequence'>;
