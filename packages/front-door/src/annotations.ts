// The annotations of the AWS Load Balancer Controller that the front door obeys, with the controller's defaults:
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/

/** Health checks of a target group. */
export interface HealthCheck {
  /** undefined: the port that requests go to ("traffic-port"). */
  readonly port: number | undefined;
  readonly path: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /** Consecutive successes after which an unhealthy target is healthy again. */
  readonly healthyThreshold: number;
  /** Consecutive failures after which a target is unhealthy. */
  readonly unhealthyThreshold: number;
  readonly isSuccess: (status: number) => boolean;
}

export type Algorithm = 'round_robin' | 'least_outstanding_requests';

export interface TargetGroupSettings {
  readonly healthCheck: HealthCheck;
  /** How long a deregistered target may finish its requests. */
  readonly deregistrationDelaySeconds: number;
  readonly algorithm: Algorithm;
}

export interface LoadBalancerSettings {
  readonly idleTimeoutSeconds: number;
  readonly dropsInvalidHeaders: boolean;
}

export type Annotations = Readonly<Record<string, string>>;

const PREFIX = 'alb.ingress.kubernetes.io/';

const annotation = (annotations: Annotations, name: string): string | undefined => annotations[PREFIX + name];

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${name} must be a whole number from ${least} to ${most}; it is ${JSON.stringify(text)}`);
}

/** A list of attributes, `key=value,key=value`. */
function attributes(annotations: Annotations, name: string): ReadonlyMap<string, string> {
  const pairs = (annotation(annotations, name) ?? '').split(',').filter((pair) => pair.trim() !== '');
  return new Map(
    pairs.map((pair) => {
      const [key = '', ...value] = pair.split('=');
      if (value.length === 0) throw new Error(`${PREFIX}${name} has an attribute without a value: ${pair.trim()}`);
      return [key.trim(), value.join('=').trim()];
    }),
  );
}

/** Codes as the annotation success-codes gives them: `200`, `200,202` or `200-299`. */
function successCodes(text: string): (status: number) => boolean {
  const ranges = text.split(',').map((range) => {
    const [, from, to = from] = /^\s*(\d{3})(?:-(\d{3}))?\s*$/.exec(range) ?? [];
    if (from === undefined) throw new Error(`${PREFIX}success-codes has no HTTP codes: ${JSON.stringify(text)}`);
    return { from: Number(from), to: Number(to) };
  });
  return (status) => ranges.some(({ from, to }) => status >= from && status <= to);
}

function healthCheck(annotations: Annotations): HealthCheck {
  // The bounds are those of the Elastic Load Balancing API (CreateTargetGroup).
  const number = (name: string, otherwise: string, least: number, most: number): number =>
    wholeNumber(PREFIX + name, annotation(annotations, name) ?? otherwise, least, most);
  const port = annotation(annotations, 'healthcheck-port') ?? 'traffic-port';
  const check: HealthCheck = {
    port: port === 'traffic-port' ? undefined : wholeNumber(`${PREFIX}healthcheck-port`, port, 1, 65_535),
    path: annotation(annotations, 'healthcheck-path') ?? '/',
    intervalSeconds: number('healthcheck-interval-seconds', '15', 5, 300),
    timeoutSeconds: number('healthcheck-timeout-seconds', '5', 2, 120),
    healthyThreshold: number('healthy-threshold-count', '2', 2, 10),
    unhealthyThreshold: number('unhealthy-threshold-count', '2', 2, 10),
    isSuccess: successCodes(annotation(annotations, 'success-codes') ?? '200'),
  };
  if (!check.path.startsWith('/'))
    throw new Error(`${PREFIX}healthcheck-path must begin with a slash; it is ${JSON.stringify(check.path)}`);
  return check;
}

/**
 * The settings of a target group. Throws for values that the controller or AWS refuses, and for target types other than
 * `ip`, which the front door does not have.
 * @param annotations those of the Service before those of the Ingress, as the controller merges them
 */
export function targetGroupSettings(annotations: Annotations): TargetGroupSettings {
  const targetType = annotation(annotations, 'target-type') ?? 'instance';
  if (targetType !== 'ip') throw new Error(`${PREFIX}target-type must be ip; it is ${targetType}`);
  const given = attributes(annotations, 'target-group-attributes');
  const delay = 'deregistration_delay.timeout_seconds';
  const algorithm = given.get('load_balancing.algorithm.type') ?? 'round_robin';
  if (algorithm !== 'round_robin' && algorithm !== 'least_outstanding_requests')
    throw new Error(`load_balancing.algorithm.type ${algorithm} is not supported here`);
  return {
    healthCheck: healthCheck(annotations),
    // Range and default: "Deregistration delay" in the user guide of Application Load Balancers.
    deregistrationDelaySeconds: wholeNumber(delay, given.get(delay) ?? '300', 0, 3600),
    algorithm,
  };
}

/** The settings of a load balancer. Throws for values that AWS refuses. */
export function loadBalancerSettings(annotations: Annotations): LoadBalancerSettings {
  const given = attributes(annotations, 'load-balancer-attributes');
  const idle = 'idle_timeout.timeout_seconds';
  return {
    // Range and default: "Connection idle timeout" in the user guide of Application Load Balancers.
    idleTimeoutSeconds: wholeNumber(idle, given.get(idle) ?? '60', 1, 4000),
    dropsInvalidHeaders: given.get('routing.http.drop_invalid_header_fields.enabled') === 'true',
  };
}

/** The group of Ingresses that share a load balancer; undefined for an Ingress with a load balancer of its own. */
export const groupName = (annotations: Annotations): string | undefined => annotation(annotations, 'group.name');

/** The position of an Ingress in its group, 0 by default; lower ones are asked first. */
export const groupOrder = (annotations: Annotations): number => Number(annotation(annotations, 'group.order') ?? '0');
