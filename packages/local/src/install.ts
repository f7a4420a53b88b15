import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { thisPlatform } from '@gitops/images/node-base';
import { CommandError } from '@gitops/report/errors';
import { type clusterFacts, clusterSecret, rootValues } from '@gitops/settings';
import { run, RunError } from '@gitops/tools/run';
import type { Tools } from '@gitops/tools/tools';
import { ROOT } from './applications.ts';
import { NAMESPACE } from './argocd-settings.ts';
import { serviceProxy } from './front-door.ts';
import { type Instance, readState, writeState } from './instance.ts';
import { apply, applyManifests, clusterEnvironment, kubectl } from './kubectl.ts';
import { type LocalNode, NODE_TYPE } from './nodes.ts';
import { podPlacement } from './pod-placement.ts';
import type { Ports } from './ports.ts';

// All that is applied by hand: what Argo CD needs before it starts. Everything else comes from Git.

/**
 * The simulated nodes, what sends pods to those of this machine, Argo CD's namespace and its CustomResourceDefinitions.
 */
export async function installBase(
  instance: Instance,
  tools: Tools,
  ports: Ports,
  { machine, simulated }: { readonly machine: readonly LocalNode[]; readonly simulated: readonly LocalNode[] },
): Promise<void> {
  const [os = '', architecture = ''] = thisPlatform.split('/');
  const nodes = simulated.map(({ name, zone }) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        [NODE_TYPE.label]: NODE_TYPE.simulated,
        // What a kubelet would write: charts select nodes by the operating system.
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': os,
        'kubernetes.io/arch': architecture,
        'topology.kubernetes.io/zone': zone,
      },
    },
  }));
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
  await apply(instance, tools, [...nodes, ...podPlacement(machine, serviceProxy(ports)), namespace]);
  // They are 1.5 MB, and nothing else changes them: once per version is enough.
  const stateFile = 'crds.json';
  const installed = readState(instance, stateFile) as { key?: string } | undefined;
  if (installed?.key === tools.key && (await servesArgo(instance, tools))) return;
  const folder = join(tools.manifests, 'crds');
  const files = readdirSync(folder).filter((file) => file.endsWith('-crd.yaml'));
  const definitions = files.map((file) => readFileSync(join(folder, file), 'utf8'));
  await applyManifests(instance, tools, definitions.join('\n---\n'));
  for (const end = Date.now() + 180_000; !(await servesArgo(instance, tools));) {
    if (Date.now() > end)
      throw new CommandError('the API server does not serve argoproj.io after 180 s', 'run `make up` again');
    await sleep(100);
  }
  writeState(instance, stateFile, { key: tools.key });
}

/** Whether the API server serves every kind that Argo CD needs. */
async function servesArgo(instance: Instance, tools: Tools): Promise<boolean> {
  try {
    const answer = await kubectl(instance, tools, ['get', '--raw', '/apis/argoproj.io/v1alpha1']);
    const { resources } = JSON.parse(answer) as { resources: { kind: string }[] };
    const kinds = resources.map(({ kind }) => kind);
    return ['Application', 'ApplicationSet', 'AppProject'].every((kind) => kinds.includes(kind));
  } catch (error) {
    if (error instanceof RunError) return false;
    throw error;
  }
}

/** This cluster's facts and the root Application. */
export async function installRoot(
  instance: Instance,
  tools: Tools,
  facts: ReturnType<typeof clusterFacts>,
): Promise<void> {
  const chart = join(instance.root, 'argocd/root');
  const values = Object.entries(rootValues(facts)).flatMap(([name, value]) => ['--set-string', `${name}=${value}`]);
  let manifests: string;
  try {
    const env = clusterEnvironment(instance, tools);
    manifests = await run('helm', ['template', ROOT, chart, '--namespace', NAMESPACE, ...values], { env });
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw new CommandError(`argocd/root does not render: ${error.stderr.trim()}`, 'fix it and run `make up` again');
  }
  await applyManifests(instance, tools, `${JSON.stringify(clusterSecret(facts))}\n---\n${manifests}`);
}
