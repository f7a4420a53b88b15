import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { KUBERNETES_VERSION, type Tools } from '@gitops/tools/tools';
import type { Ports } from './ports.ts';

// The first document of kwokctl's file is its own configuration; the stages follow.
const SEPARATOR = '\n---\n';

/** What KWOK simulates: nodes, pods and load balancers. */
const readStages = (): string => readFileSync(resolve(import.meta.dirname, '../kwok/stages.yaml'), 'utf8');

export const hashOfStages = (): string => createHash('sha256').update(readStages()).digest('hex');

/** kwokctl's configuration of a cluster that it stores, with the present stages. */
export function withPresentStages(stored: string): string {
  const [own = ''] = stored.split(SEPARATOR);
  return `${own}${SEPARATOR}${readStages()}`;
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
          replace('node-monitor-period', '2s'),
          replace('node-monitor-grace-period', '20s'),
        ],
      },
      { name: 'kube-scheduler', extraArgs: [add('leader-elect', 'false')] },
    ],
  };
  return `${stringify(config)}---\n${readStages()}`;
}
