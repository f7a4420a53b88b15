import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { loadBalancerSettings, targetGroupSettings } from '../src/annotations.ts';
import { clusterOf, startFrontDoor } from './cluster.ts';

const alb = (given: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).map(([key, value]) => [`alb.ingress.kubernetes.io/${key}`, value]));

t.test("defaults are the controller's and AWS's", (t) => {
  t.match(targetGroupSettings(alb({ 'target-type': 'ip' })), {
    healthCheck: {
      port: undefined,
      path: '/',
      intervalSeconds: 15,
      timeoutSeconds: 5,
      healthyThreshold: 2,
      unhealthyThreshold: 2,
    },
    deregistrationDelaySeconds: 300,
    algorithm: 'round_robin',
  });
  t.strictSame(loadBalancerSettings({}), { idleTimeoutSeconds: 60, dropsInvalidHeaders: false });
  t.end();
});

t.test('success codes are codes, lists and ranges', (t) => {
  const isSuccess = (codes: string, status: number): boolean =>
    targetGroupSettings(alb({ 'target-type': 'ip', 'success-codes': codes })).healthCheck.isSuccess(status);
  t.ok(isSuccess('200', 200));
  t.notOk(isSuccess('200', 204));
  t.ok(isSuccess('200,204', 204));
  t.ok(isSuccess('200-299', 250));
  t.notOk(isSuccess('200-299', 300));
  t.end();
});

t.test('what the controller or AWS refuses is refused by name', (t) => {
  const refused: [Record<string, string>, string][] = [
    [{ 'target-type': 'instance' }, 'target-type must be ip'],
    [{}, 'target-type must be ip'],
    [
      { 'target-type': 'ip', 'healthcheck-interval-seconds': '3' },
      'healthcheck-interval-seconds must be a whole number from 5 to 300',
    ],
    [{ 'target-type': 'ip', 'healthcheck-port': 'admin' }, 'healthcheck-port must be a whole number'],
    [{ 'target-type': 'ip', 'success-codes': 'ok' }, 'success-codes has no HTTP codes: "ok"'],
    [
      { 'target-type': 'ip', 'target-group-attributes': 'deregistration_delay.timeout_seconds' },
      'an attribute without a value',
    ],
    [{ 'target-type': 'ip', 'target-group-attributes': 'deregistration_delay.timeout_seconds=4000' }, 'from 0 to 3600'],
    [{ 'target-type': 'ip', 'target-group-attributes': 'load_balancing.algorithm.type=best' }, 'best is not supported'],
  ];
  for (const [annotations, message] of refused)
    t.throws(() => targetGroupSettings(alb(annotations)), { message: new RegExp(message) });
  t.throws(
    () => loadBalancerSettings(alb({ 'load-balancer-attributes': 'idle_timeout.timeout_seconds=0' })),
    /from 1 to 4000/,
  );
  t.end();
});

t.test('an Ingress with refused annotations stays as it was', async (t) => {
  const door = await startFrontDoor(t);
  door.update(clusterOf([]));
  door.update(clusterOf([], { 'healthcheck-path': 'no-slash', 'healthy-threshold-count': '3' }));
  t.match(door.model().problems.get('shop/web'), 'healthcheck-path must begin with a slash');
  t.match(door.groups()[0]?.spec.settings.healthCheck, { path: '/readyz', healthyThreshold: 2 });
  door.update(clusterOf([], { 'healthy-threshold-count': '3' }));
  t.equal(door.model().problems.size, 0);
  t.equal(door.groups()[0]?.spec.settings.healthCheck.healthyThreshold, 3);
});

t.test("every annotation of the service's chart that shapes traffic is one that the front door obeys or names", (t) => {
  const file = resolve(import.meta.dirname, '../../../charts/fastify-service/templates/ingress.yaml');
  const used = Array.from(
    readFileSync(file, 'utf8').matchAll(/alb\.ingress\.kubernetes\.io\/([a-z0-9.-]+):/g),
    ([, name]) => name,
  );
  const source = readFileSync(join(import.meta.dirname, '../src/annotations.ts'), 'utf8');
  // What has no meaning on one machine's loopback; README.md says so.
  const ignored = [
    'scheme',
    'listen-ports',
    'ssl-redirect',
    'ssl-policy',
    'certificate-arn',
    'wafv2-acl-arn',
    'inbound-cidrs',
  ];
  t.not(used.length, 0);
  t.strictSame(
    used.filter((name) => !source.includes(`'${name ?? ''}'`) && !ignored.includes(name ?? '')),
    [],
  );
  t.end();
});
