import { join } from 'node:path';
import type { Tools } from '@gitops/tools/tools';
import { awaitDaemon, type Daemon, startDaemon, stopDaemon } from './daemon.ts';
import type { Instance } from './instance.ts';
import { apply, kubeconfigPath, kubectl } from './kubectl.ts';
import { ask, pkiFile } from './kubernetes-api.ts';
import { NODE_TYPE } from './nodes.ts';
import type { Ports } from './ports.ts';
import { GO_COLLECTOR, INSTANCE_VARIABLE } from './process.ts';

const NAME = 'metrics-server';
const API_SERVICE = 'v1beta1.metrics.k8s.io';

function daemonOf(instance: Instance, tools: Tools, ports: Ports): Daemon {
  const kubeconfig = kubeconfigPath(instance);
  const flags: Readonly<Record<string, string>> = {
    kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'secure-port': String(ports[NAME]),
    'tls-cert-file': pkiFile(instance, 'admin.crt'),
    'tls-private-key-file': pkiFile(instance, 'admin.key'),
    // The API server comes with the administrator's certificate; kwokctl configures no headers for the users of others.
    'client-ca-file': pkiFile(instance, 'ca.crt'),
    'authentication-skip-lookup': 'true',
    // Only the nodes of this machine have a kubelet. Each has a port of its own.
    'node-selector': `${NODE_TYPE.label}=${NODE_TYPE.machine}`,
    'kubelet-preferred-address-types': 'InternalIP',
    'kubelet-use-node-status-port': 'true',
    'kubelet-certificate-authority': pkiFile(instance, 'ca.crt'),
    // The shortest that it takes; a request must be over before the next one.
    'metric-resolution': '10s',
    'kubelet-request-timeout': '5s',
  };
  return {
    name: NAME,
    command: join(tools.bin, NAME),
    args: Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
    env: { [INSTANCE_VARIABLE]: instance.dir, ...GO_COLLECTOR },
    port: ports[NAME],
  };
}

/** The API that it serves, as upstream's own manifest registers it. */
function apiObjects(ports: Ports): object[] {
  const service = { name: NAME, namespace: 'kube-system' };
  const port = ports[NAME];
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: service.namespace } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: service,
      // No pod is behind it: it is a process of this machine.
      spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: API_SERVICE },
      spec: {
        service: { ...service, port },
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        // The API server expects a certificate for the Service's name in the cluster, which kwokctl's does not have.
        insecureSkipTLSVerify: true,
      },
    },
  ];
}

/**
 * Starts metrics-server when it does not run, and registers its API. The first figures follow ten seconds later; nobody
 * waits for them.
 */
export async function startMetricsServer(instance: Instance, tools: Tools, ports: Ports): Promise<void> {
  const daemon = daemonOf(instance, tools, ports);
  await startDaemon(instance, daemon);
  const isAlive = async (): Promise<boolean> => (await ask(instance, daemon.port, '/livez'))?.status === 200;
  await awaitDaemon(instance, daemon, isAlive);
  await apply(instance, tools, apiObjects(ports));
}

/** Ends it and removes its API: one that nobody serves would make every client of the cluster complain. */
export async function removeMetricsServer(instance: Instance, tools: Tools): Promise<void> {
  await stopDaemon(instance, NAME);
  await kubectl(instance, tools, ['delete', 'apiservice', API_SERVICE, '--ignore-not-found']);
}
