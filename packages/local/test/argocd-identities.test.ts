import t from 'tap';
import { argoIdentities } from '../src/argocd-identities.ts';
import { DAEMONS } from '../src/ports.ts';

interface Item {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly name: string }[];
}

const objects = argoIdentities() as Item[];

t.test('every component of Argo CD that runs here has a ServiceAccount', (t) => {
  const accounts = objects.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata.name);
  t.same(accounts.sort(), DAEMONS.filter((name) => name.startsWith('argocd-')).sort());
  t.end();
});

t.test('each role is bound to the ServiceAccount of its name alone', (t) => {
  const roles = objects.filter(({ kind }) => kind.endsWith('Role'));
  const bindings = objects.filter(({ kind }) => kind.endsWith('RoleBinding'));
  t.equal(bindings.length, roles.length);
  for (const { kind, metadata, roleRef, subjects } of bindings) {
    t.match(roleRef, { kind: kind.replace('Binding', ''), name: metadata.name });
    t.same(
      subjects?.map(({ name }) => name),
      [metadata.name],
    );
    t.equal(metadata.namespace, kind === 'RoleBinding' ? 'argocd' : undefined);
  }
  t.end();
});

t.test('only the application controller may do everything, and repo-server nothing', (t) => {
  const all = JSON.stringify([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]).slice(1, -1);
  const almighty = objects.filter((object) => JSON.stringify(object).includes(all));
  t.same(
    almighty.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ['ClusterRole argocd-application-controller'],
  );
  t.same(
    objects.filter(({ metadata }) => metadata.name === 'argocd-repo-server').map(({ kind }) => kind),
    ['ServiceAccount'],
  );
  t.end();
});
