import t from 'tap';
import type { ClusterSettings } from '@gitops/settings';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { claimedTwice } from '../../src/proofs/facts/hosts.ts';
import type { FleetApplication } from '../../src/render/fleet.ts';
import type { Application } from '../../src/render/renderer.ts';
import { root } from '../helper.ts';

interface Kind {
  readonly cluster?: string;
  readonly group?: string;
  readonly order?: number;
}

/** An Application with an Ingress of its name. */
function entry(name: string, hosts: readonly string[], { cluster = 'one', group, order }: Kind = {}): FleetApplication {
  const annotations = {
    ...(group === undefined ? {} : { 'alb.ingress.kubernetes.io/group.name': group }),
    ...(order === undefined ? {} : { 'alb.ingress.kubernetes.io/group.order': String(order) }),
  };
  const ingress: KubernetesObject = {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, annotations } },
    spec: { rules: hosts.map((host) => ({ host })) },
  };
  const application = {
    ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name, namespace: 'argocd' } },
    spec: { project: 'services', destination: { namespace: name }, sources: [] },
  } as unknown as Application;
  return {
    ...{ application, chart: undefined, request: { application, kubeVersion: 'v1', apiVersions: [] } },
    cluster: { name: cluster, provider: 'local' } as ClusterSettings,
    rendered: { ok: true, value: [ingress] },
  };
}

const problems = (...fleet: readonly FleetApplication[]): readonly string[] => claimedTwice(fleet, { root });

t.test('one name of DNS leads to one cluster, and in it to one load balancer', (t) => {
  const twice = /a\.example\.com already leads to/;
  t.match(problems(entry('a', ['a.example.com']), entry('a', ['a.example.com'], { cluster: 'two' })), [twice]);
  t.match(problems(entry('a', ['a.example.com']), entry('b', ['a.example.com'])), [twice]);
  t.match(problems(entry('a', ['*.a.example.com']), entry('a', ['*.a.example.com'], { cluster: 'two' })), [twice]);
  t.same(
    problems(entry('a', ['a.example.com'], { group: 'g' }), entry('b', ['a.example.com'], { group: 'g' })),
    [],
    'the paths of one load balancer',
  );
  t.end();
});

t.test('a wildcard beside a host below it: DNS prefers the host', (t) => {
  t.same(problems(entry('a', ['*.example.com']), entry('b', ['b.example.com'], { cluster: 'two' })), []);
  t.same(problems(entry('a', ['*.example.com']), entry('b', ['b.example.com'])), [], 'two load balancers');
  t.end();
});

t.test('a wildcard and a host behind one load balancer: the host is asked first', (t) => {
  const pair = (wildcard: number | undefined, host: number | undefined, above = '*.example.com'): readonly string[] =>
    problems(
      entry('a', [above], { group: 'g', ...(wildcard === undefined ? {} : { order: wildcard }) }),
      entry('b', ['b.example.com'], { group: 'g', ...(host === undefined ? {} : { order: host }) }),
    );
  const takes = /\*\.example\.com takes the requests for b\.example\.com.* \(a\/a has \d+, b\/b has \d+\)/;
  t.match(pair(1, 2), [takes]);
  t.match(pair(undefined, undefined), [takes], 'of one order, by name');
  t.same(pair(3, 2), []);
  t.same(pair(1, 2, '*.b.example.com'), [], 'the host is not below it');
  t.same(problems(entry('a', ['*.example.com', 'a.example.com'], { group: 'g' })), [], 'one Ingress');
  t.end();
});
