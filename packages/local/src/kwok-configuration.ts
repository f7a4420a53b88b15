import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { KUBERNETES_VERSION, type Tools } from '@gitops/tools/tools';
import type { Component, Ports } from './ports.ts';

// The first document of kwokctl's file is its own configuration; the stages follow.
const SEPARATOR = '\n---\n';

/** What KWOK simulates: nodes and pods. */
const readStages = (): string => readFileSync(resolve(import.meta.dirname, '../kwok/stages.yaml'), 'utf8');

interface Flag {
  readonly key: string;
  readonly value: string;
  readonly override?: boolean;
}

interface Patch {
  readonly name: Component;
  readonly extraArgs: readonly Flag[];
}

/** What this package reads of kwokctl's own configuration. */
interface Configuration {
  readonly components?: readonly { readonly name: Component; args: readonly string[] }[];
  componentsPatches?: readonly Patch[];
}

const ownPart = (file: string): Configuration => parse(file.split(SEPARATOR)[0] ?? '') as Configuration;

/** Hash of all that a change of this package may give to a stored cluster: flags and stages. */
export function hashOfConfiguration(configuration: string): string {
  const { componentsPatches } = ownPart(configuration);
  return createHash('sha256')
    .update(JSON.stringify([componentsPatches, readStages()]))
    .digest('hex');
}

/**
 * Gives a stored cluster the flags of our present configuration, and the present stages.
 * @param stored the file that kwokctl wrote
 * @param present our configuration of a new cluster
 * @returns the file, and the components that must start again for it
 */
export function withPresentConfiguration(stored: string, present: string): { file: string; changed: Component[] } {
  const configuration = ownPart(stored);
  const before = configuration.componentsPatches ?? [];
  const now = ownPart(present).componentsPatches ?? [];
  const changed = new Set<Component>();
  for (const component of configuration.components ?? []) {
    const flagsOf = (patches: readonly Patch[]): readonly Flag[] =>
      patches.find(({ name }) => name === component.name)?.extraArgs ?? [];
    // Flags that this package no longer sets; those that it overrode have a value of kwokctl's, which is not known here.
    const dropped = flagsOf(before).filter(({ override }) => override !== true);
    const flags = flagsOf(now);
    const isSet = (arg: string): boolean => [...dropped, ...flags].some(({ key }) => arg.startsWith(`--${key}=`));
    const args = [
      ...component.args.filter((arg) => !isSet(arg)),
      ...flags.map(({ key, value }) => `--${key}=${value}`),
    ];
    if (JSON.stringify(args.toSorted()) !== JSON.stringify(component.args.toSorted())) changed.add(component.name);
    component.args = args;
  }
  configuration.componentsPatches = now;
  const stages = readStages();
  // kwokctl stores the stages in another form, so whether they differ cannot be seen.
  changed.add('kwok-controller');
  return { file: `${stringify(configuration)}---\n${stages}`, changed: [...changed] };
}

/** kwokctl's configuration of a new cluster, as YAML. */
export function kwokConfiguration(tools: Tools, ports: Ports): string {
  // kwokctl sets some flags itself; those are overridden, all others are added.
  const replace = (key: string, value: string): object => ({ key, value, override: true });
  const add = (key: string, value: string): object => ({ key, value });
  const config = {
    apiVersion: 'config.kwok.x-k8s.io/v1alpha1',
    kind: 'KwokctlConfiguration',
    options: {
      runtime: 'binary',
      bindAddress: '127.0.0.1',
      kubeVersion: KUBERNETES_VERSION,
      etcdPort: ports.etcd,
      etcdPeerPort: ports['etcd-peer'],
      kubeApiserverPort: ports['kube-apiserver'],
      kubeControllerManagerPort: ports['kube-controller-manager'],
      kubeSchedulerPort: ports['kube-scheduler'],
      kwokControllerPort: ports['kwok-controller'],
      etcdBinary: join(tools.bin, 'etcd'),
      kubeApiserverBinary: join(tools.bin, 'kube-apiserver'),
      kubeControllerManagerBinary: join(tools.bin, 'kube-controller-manager'),
      kubeSchedulerBinary: join(tools.bin, 'kube-scheduler'),
      kwokControllerBinary: join(tools.bin, 'kwok'),
    },
    componentsPatches: [
      {
        name: 'kube-apiserver',
        // How it reaches kubelets, as the administrator; it runs in kwokctl's folder of the cluster.
        extraArgs: [
          add('kubelet-certificate-authority', 'pki/ca.crt'),
          add('kubelet-client-certificate', 'pki/admin.crt'),
          add('kubelet-client-key', 'pki/admin.key'),
          add('kubelet-preferred-address-types', 'InternalIP'),
        ],
      },
      {
        name: 'kwok-controller',
        // Leases would outlive a stopped controller and freeze all pods for minutes after the next start.
        extraArgs: [
          replace('manage-all-nodes', 'false'),
          add('manage-nodes-with-label-selector', 'type=kwok'),
          replace('node-lease-duration-seconds', '0'),
        ],
      },
      {
        name: 'kube-controller-manager',
        extraArgs: [
          add('leader-elect', 'false'),
          // As the API server's, so that its health can be asked.
          add('tls-cert-file', 'pki/admin.crt'),
          add('tls-private-key-file', 'pki/admin.key'),
          // A pod that its node refuses stays as Failed, and its ReplicaSet makes the next one at once: a few of them tell
          // why; the default keeps 12,500.
          add('terminated-pod-gc-threshold', '50'),
          replace('node-monitor-period', '2s'),
          // Kubernetes' own, which kwokctl replaces: time for a killed node agent to come back, on a busy machine as well.
          replace('node-monitor-grace-period', '50s'),
          // CPU is measured every 10 s (see metrics-server.ts), and a decision follows at once; the default is 15 s.
          add('horizontal-pod-autoscaler-sync-period', '2s'),
          // The CPU of a start is no load. Kubernetes waits for 5 minutes; ours take seconds, and a measurement is over
          // after two times 10 s.
          add('horizontal-pod-autoscaler-cpu-initialization-period', '30s'),
        ],
      },
      { name: 'kube-scheduler', extraArgs: [add('leader-elect', 'false')] },
    ],
  };
  return `${stringify(config)}---\n${readStages()}`;
}
