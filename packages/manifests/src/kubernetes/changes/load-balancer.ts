import { groupKindOf, type KubernetesObject } from '../object.ts';
import { ingresses } from '../workload.ts';
import type { Finding } from './change.ts';
import { isWithin, type Keys } from './fields.ts';

// What AWS Load Balancer Controller does about a change. It finds an existing load balancer by the name of its group,
// or of the Ingress if there is no group, and a target group by Ingress, Service and port; it replaces a load balancer
// of another type or scheme, and target groups of another type, protocol or protocol version
// (isSDKLoadBalancerRequiresReplacement and isSDKTargetGroupRequiresReplacement in pkg/deploy/elbv2, at 225f445,
// 2026-08-17).

const ALB = 'alb.ingress.kubernetes.io/';

const NEW_LOAD_BALANCER: Finding = {
  kind: 'load-balancer-replaced',
  effect: 'changed',
  consequence: 'the load balancer is replaced: it gets a new DNS name, with an outage until DNS points to it',
};
const NEW_TARGETS: Finding = {
  kind: 'load-balancer-replaced',
  effect: 'changed',
  consequence:
    'the load balancer and its DNS name stay; its target group is replaced: requests fail until targets are healthy',
};
const DELETED: Finding = {
  kind: 'load-balancer-replaced',
  effect: 'deleted',
  consequence: 'the load balancer is deleted, and its DNS name with it',
};

/** Annotations that describe the target group, alone or with the suffix of a port: `target-control-port.http.8080`. */
const OF_TARGETS = ['target-type', 'backend-protocol', 'backend-protocol-version', 'target-control-port'];

/** What a change of a field does to the load balancer; undefined for a field that it does not depend on. */
export function loadBalancerFinding(object: KubernetesObject, path: string, keys: Keys): Finding | undefined {
  switch (groupKindOf(object)) {
    case '/Service':
      return isOfTargets(annotationOf(keys)) ? NEW_TARGETS : serviceFinding(path, keys);
    case 'networking.k8s.io/Ingress':
      return ingressFinding(path, keys);
    case 'elbv2.k8s.aws/IngressClassParams':
      if (path === 'spec.scheme' || isWithin(path, 'spec.group')) return NEW_LOAD_BALANCER;
      return path === 'spec.targetType' ? NEW_TARGETS : undefined;
    case 'gateway.networking.k8s.io/Gateway':
      return path === 'spec.gatewayClassName' ? NEW_LOAD_BALANCER : undefined;
    default:
      return gatewayFinding(object.kind, path);
  }
}

/** The name of the controller's annotation that keys lead to; undefined for anything else. */
function annotationOf(keys: Keys): string | undefined {
  const [, parent, name = ''] = keys;
  return parent === 'annotations' && name.startsWith(ALB) ? name.slice(ALB.length) : undefined;
}

const isOfTargets = (annotation = ''): boolean =>
  OF_TARGETS.some((name) => annotation === name || annotation.startsWith(`${name}.`));

/** The controller's annotations of a Service that has a network load balancer. */
const NLB = 'service.beta.kubernetes.io/aws-load-balancer-';

function serviceFinding(path: string, [, parent, name = '']: Keys): Finding | undefined {
  if (path === 'spec.loadBalancerClass') return NEW_LOAD_BALANCER;
  if (parent !== 'annotations' || !name.startsWith(NLB)) return undefined;
  const annotation = name.slice(NLB.length);
  if (['scheme', 'internal', 'type'].includes(annotation)) return NEW_LOAD_BALANCER;
  return ['nlb-target-type', 'backend-protocol'].includes(annotation) ? NEW_TARGETS : undefined;
}

function ingressFinding(path: string, keys: Keys): Finding | undefined {
  const annotation = annotationOf(keys);
  if (annotation === 'scheme' || annotation === 'group.name') return NEW_LOAD_BALANCER;
  if (path === 'spec.ingressClassName' || keys[2] === 'kubernetes.io/ingress.class') return NEW_LOAD_BALANCER;
  if (isOfTargets(annotation)) return NEW_TARGETS;
  if (/^spec\.(defaultBackend|rules.*\.backend)\.service/.test(path)) return NEW_TARGETS;
  if (/^spec\.rules\[[^\]]*\]\.host$/.test(path))
    return {
      kind: 'change',
      effect: 'changed',
      consequence: 'the load balancer stays; it answers 404 for the old host, and the new one needs a DNS record',
    };
  if (annotation === undefined) return undefined;
  return {
    kind: 'change',
    effect: 'changed',
    consequence:
      annotation === 'load-balancer-name'
        ? 'an existing load balancer keeps its name: the controller sets it only on a new one'
        : 'the load balancer is changed in place',
  };
}

/** The same by way of Gateway API. */
function gatewayFinding(kind: string, path: string): Finding | undefined {
  if (kind === 'LoadBalancerConfiguration' && path === 'spec.scheme') return NEW_LOAD_BALANCER;
  if (kind === 'HTTPRoute' && isWithin(path, 'spec.parentRefs'))
    return {
      kind: 'load-balancer-replaced',
      effect: 'changed',
      consequence: 'the route moves to another load balancer: the old one answers 404 from then on',
    };
  if (kind === 'TargetGroupConfiguration' && /\.(targetType|protocol|protocolVersion)$/.test(path)) return NEW_TARGETS;
  return undefined;
}

const groupNameOf = ({ metadata }: KubernetesObject): string | undefined => metadata.annotations?.[`${ALB}group.name`];

/**
 * What removing an object does to its load balancer; undefined for an object without one.
 * @param after the objects that remain, which may share the load balancer
 */
export function loadBalancerRemoval(object: KubernetesObject, after: readonly KubernetesObject[]): Finding | undefined {
  const kind = groupKindOf(object);
  if (kind === 'gateway.networking.k8s.io/Gateway') return DELETED;
  if (kind !== 'networking.k8s.io/Ingress') return undefined;
  const group = groupNameOf(object);
  if (group === undefined || !ingresses(after).some((other) => groupNameOf(other) === group)) return DELETED;
  return {
    kind: 'removed',
    effect: 'deleted',
    consequence: `its rules are removed; the load balancer of group ${group} stays for the others`,
  };
}
