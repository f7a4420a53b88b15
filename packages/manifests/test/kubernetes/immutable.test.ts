import t from 'tap';
import { parse } from 'yaml';
import { table } from '../table.ts';
import { changes, object, shown, workload } from './objects.ts';

/** An object whose fields beside its metadata are written as YAML. */
const written = (type: string, fields: string) => {
  const [apiVersion = '', kind = ''] = type.split(' ');
  return object(kind, parse(fields) as object, { apiVersion });
};

/** What changes | apiVersion and kind | before | after | the field that is reported. */
const IMMUTABLE = table(
  5,
  `
  selector | apps/v1 Deployment | spec: {selector: {a: {b: 1}}} | spec: {selector: {a: {b: 2}}} | spec.selector.a.b
  of a DaemonSet | apps/v1 DaemonSet | spec: {selector: {a: 1}} | spec: {selector: {a: 2}} | spec.selector.a
  serviceName | apps/v1 StatefulSet | spec: {serviceName: a} | spec: {serviceName: b} | spec.serviceName
  policy | apps/v1 StatefulSet | spec: {} | spec: {podManagementPolicy: Parallel} | spec.podManagementPolicy
  clusterIP | v1 Service | spec: {clusterIP: 172.20.0.1} | spec: {clusterIP: None} | spec.clusterIP
  template | batch/v1 Job | spec: {template: {a: 1}} | spec: {template: {a: 2}} | spec.template.a
  class | v1 PersistentVolumeClaim | spec: {storageClassName: a} | spec: {storageClassName: b} | spec.storageClassName
  immutable | v1 ConfigMap | {immutable: true, data: {A: '1'}} | {immutable: true, data: {A: '2'}} | data.A
  made mutable | v1 Secret | immutable: true | {} | immutable
  type | v1 Secret | type: Opaque | type: kubernetes.io/tls | type
  roleRef | rbac.authorization.k8s.io/v1 RoleBinding | roleRef: {name: a} | roleRef: {name: b} | roleRef.name
  provisioner | storage.k8s.io/v1 StorageClass | provisioner: a | provisioner: b | provisioner
  `,
);

t.test('immutable fields stop', (t) => {
  t.equal(IMMUTABLE.length, 12);
  for (const [name = '', type = '', before = '', after = '', path = ''] of IMMUTABLE) {
    const kind = type.split(' ')[1] ?? '';
    const found = shown(changes(written(type, before), written(type, after)));
    t.same(found, [`STOP immutable ${kind}/api ${path}`], `${kind}: ${name}`);
  }
  t.end();
});

/** What changes | apiVersion and kind | before | after. */
const MUTABLE = table(
  4,
  `
  data | v1 ConfigMap | data: {A: '1'} | data: {A: '2'}
  becomes immutable | v1 ConfigMap | data: {A: '1'} | {data: {A: '1'}, immutable: true}
  an address omitted | v1 Service | spec: {clusterIP: 172.20.0.1} | spec: {}
  an ExternalName | v1 Service | spec: {type: ExternalName} | spec: {type: ExternalName, clusterIP: None}
  replicas | apps/v1 StatefulSet | spec: {replicas: 1} | spec: {replicas: 2}
  `,
);

t.test('what looks immutable and may change', (t) => {
  t.equal(MUTABLE.length, 5);
  for (const [name = '', type = '', before = '', after = ''] of MUTABLE) {
    const kinds = changes(written(type, before), written(type, after)).map(({ kind }) => kind);
    t.same(kinds, ['change'], `${type}: ${name}`);
  }
  const hook = (a: number) =>
    object(
      'Job',
      { spec: { template: { a } } },
      { apiVersion: 'batch/v1', annotations: { 'argocd.argoproj.io/hook': 'PostSync' } },
    );
  const consequences = changes(hook(1), hook(2)).map(({ kind, consequence }) => [kind, consequence]);
  t.match(
    consequences,
    [['change', /^a hook: it is deleted and run anew by the next sync; nothing else changes/]],
    'a hook',
  );
  t.end();
});

t.test('a claim may grow and never shrink', (t) => {
  const claim = (storage: string) =>
    object('PersistentVolumeClaim', { spec: { resources: { requests: { storage } } } });
  const path = 'PersistentVolumeClaim/api spec.resources.requests.storage';
  t.same(shown(changes(claim('10Gi'), claim('9Gi'))), [`STOP immutable ${path}`]);
  t.same(shown(changes(claim('900Mi'), claim('1Gi'))), [`change ${path}`]);
  t.end();
});

t.test('a template of claims is immutable', (t) => {
  const set = (size: number) => workload({ volumeClaimTemplates: [{ spec: { size } }] }, 'StatefulSet');
  t.same(shown(changes(set(1), set(2))), ['STOP immutable StatefulSet/api spec.volumeClaimTemplates[0].spec.size']);
  t.end();
});
