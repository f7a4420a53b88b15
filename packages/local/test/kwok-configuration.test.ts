import t from 'tap';
import { parse } from 'yaml';
import type { Tools } from '@gitops/tools/tools';
import { hashOfConfiguration, kwokConfiguration, withPresentConfiguration } from '../src/kwok-configuration.ts';
import type { Ports } from '../src/ports.ts';

const tools: Tools = { bin: '/bin', manifests: '/manifests', key: '', checksums: {} };
const present = kwokConfiguration(tools, {} as Ports);

/** A file as kwokctl writes it, of a cluster that was created with other flags. */
const stored = `apiVersion: config.kwok.x-k8s.io/v1alpha1
components:
  - { name: etcd, args: [--name=node0] }
  - name: kube-controller-manager
    args: [--node-monitor-period=9s, --node-monitor-grace-period=20s, --leader-elect=true, --gone=1, --secure-port=1]
  - { name: kube-scheduler, args: [--secure-port=2, --leader-elect=false] }
  - name: kwok-controller
    args: [--manage-all-nodes=false, --manage-nodes-with-label-selector=type=kwok, --node-lease-duration-seconds=0]
componentsPatches:
  - name: kube-controller-manager
    extraArgs: [{ key: gone, value: "1", override: false }]
---
kind: Stage
metadata: { name: of-an-earlier-version }
`;

interface Own {
  readonly components: readonly { readonly name: string; readonly args: readonly string[] }[];
  readonly componentsPatches: unknown;
}
const ownPart = (file: string): Own => parse(file.split('\n---\n')[0] ?? '') as Own;

t.test('a stored cluster gets the present flags and stages, and what differs starts again', (t) => {
  const { file, changed } = withPresentConfiguration(stored, present);
  const [, ...stages] = file.split('\n---\n');
  const { components, componentsPatches } = ownPart(file);
  const argsOf = (name: string): readonly string[] =>
    components.find((component) => component.name === name)?.args ?? [];
  t.same(argsOf('etcd'), ['--name=node0']);
  t.same(argsOf('kube-controller-manager').toSorted(), [
    '--horizontal-pod-autoscaler-cpu-initialization-period=30s',
    '--horizontal-pod-autoscaler-sync-period=2s',
    '--leader-elect=false',
    '--node-monitor-grace-period=50s',
    '--node-monitor-period=2s',
    '--secure-port=1',
    '--terminated-pod-gc-threshold=50',
    '--tls-cert-file=pki/admin.crt',
    '--tls-private-key-file=pki/admin.key',
  ]);
  t.same(changed, ['kube-controller-manager', 'kwok-controller'], 'KWOK reads the stages when it starts');
  t.same(componentsPatches, ownPart(present).componentsPatches);
  t.notMatch(file, 'of-an-earlier-version');
  t.same(stages, present.split('\n---\n').slice(1));
  t.same(withPresentConfiguration(file, present).changed, ['kwok-controller'], 'a second time changes nothing');
  t.end();
});

t.test('ports are no reason to touch a stored cluster', (t) => {
  t.equal(hashOfConfiguration(kwokConfiguration(tools, { etcd: 1 } as Ports)), hashOfConfiguration(present));
  t.not(hashOfConfiguration(present.replace('2s', '3s')), hashOfConfiguration(present));
  t.end();
});
