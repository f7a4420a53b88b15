export type ChangeKind =
  /** The API server refuses it: the sync fails until the object is deleted by hand. */
  | 'immutable'
  /** Argo CD refuses the sync: the project does not allow it, or the object belongs to another Application. */
  | 'not-permitted'
  /** The load balancer, or the target group behind it, is replaced. */
  | 'load-balancer-replaced'
  /** A subnet is deleted, with all that is in it, and made anew. */
  | 'subnet-replaced'
  /** An Application is deleted, and all that it deploys with it. */
  | 'application-deleted'
  /** A version of Argo CD before its turn. */
  | 'out-of-order'
  | 'pod-restart'
  | 'removed'
  /** The number of pods gets another owner. */
  | 'replicas-handover'
  | 'change';

/** What becomes of the object in the cluster; a drill compares it with what happened (e2e/test/20-diff.test.ts). */
export type Effect =
  | 'created'
  /** Changed in place. */
  | 'changed'
  /** Deleted, and created again. */
  | 'recreated'
  | 'deleted'
  /** Git no longer has it, and it stays. */
  | 'kept'
  /** The API server or Argo CD refuses it: the object stays as it is. */
  | 'refused'
  /** Nothing happens until somebody does something, or until a later sync. */
  | 'waits';

/** One field, or a whole object, that differs. */
export interface Change {
  /** Deployment/fastify-service */
  readonly object: string;
  /** The namespace of the object, where it is known. */
  readonly namespace?: string | undefined;
  /** spec.template.spec.containers[api].image; empty for an object that is created or removed. */
  readonly path: string;
  readonly kind: ChangeKind;
  readonly effect: Effect;
  /** Undefined for what is created, as `after` is for what is removed. */
  readonly before: unknown;
  readonly after: unknown;
  /** What happens in the cluster. */
  readonly consequence: string;
}

/** The judgement of a rule about a change. */
export type Finding = Pick<Change, 'kind' | 'effect' | 'consequence'>;
