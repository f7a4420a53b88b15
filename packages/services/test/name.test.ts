import t from 'tap';
import { formProblem, requireFree } from '../src/name.ts';
import { root } from './copy.ts';

t.test('a name is a DNS label that leaves room for the names of its pods', (t) => {
  for (const name of ['a', 'orders', 'order-items', 'v2', 'a'.repeat(46)]) t.equal(formProblem(name), undefined, name);
  for (const name of ['', 'Orders', 'or_ders', '-orders', 'orders-', '2nd', 'or.ders', 'órders', '../x', 'a b'])
    t.match(formProblem(name), /^must be a DNS label/, name);
  t.match(formProblem('a'.repeat(47)), /^must have 46 characters at most/);
  for (const name of ['preview-1', 'kube-system', 'argocd-server', 'service-x', 'orders-namespace'])
    t.match(formProblem(name), /^must not begin with /, name);
  t.end();
});

t.test('what is taken is named, with its owner', (t) => {
  for (const [name, owner] of [
    ['fastify-service', /service already/],
    ['metrics-server', /controller/],
    ['dev', /clusters\/dev is the folder of a cluster/],
    ['shared', /clusters\/shared/],
    ['default', /namespace of Kubernetes/],
    ['argocd', /argocd\/.*:\d+ names it/],
    ['monitoring', /argocd\/.*:\d+ names it/],
    ['root', /argocd\/.*:\d+ names it/],
    ['previews', /argocd\/.*:\d+ names it/],
    ['controllers', /argocd\/.*:\d+ names it/],
    ['services', /argocd\/.*:\d+ names it/],
    ['external-secrets', /it is a controller/],
  ] as const)
    t.throws(
      () => {
        requireFree(root, name);
      },
      { message: owner, next: /nothing was written/ },
      name,
    );
  t.doesNotThrow(() => {
    requireFree(root, 'zebra');
  });
  t.end();
});
