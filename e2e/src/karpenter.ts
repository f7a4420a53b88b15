import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { clusterEnvironment } from '@gitops/local';
import { progressTo } from '@gitops/report/progress';
import { type AwsClusterSettings, readCluster } from '@gitops/settings';
import { freePort } from '@gitops/tools/free-port';
import { go } from '@gitops/tools/go';
import { run } from '@gitops/tools/run';
import { ensureTools } from '@gitops/tools/tools';
import type { Stack } from './stack.ts';

// Karpenter with its provider for KWOK: what decides about nodes is what clusters run, and the nodes are simulated. KWOK on
// this machine says of every node that it has eight CPUs and 32 GiB, so that all instance types are of this size here.
export const CPUS = 8;
const SIZE = { cpu: String(CPUS), memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' };

/** The cluster whose settings the drill takes. */
const CLUSTER = 'dev';

/** A running Karpenter. */
export interface Karpenter {
  /** The NodePool of the cluster, as Argo CD would apply it, but for what is simulated and for its patience. */
  readonly nodePool: object;
  /** What it wrote. */
  log(): string;
  /** What it answers to GET /metrics. */
  metrics(): Promise<string>;
  /** Ends it, and deletes its definitions. */
  end(): Promise<void>;
}

/**
 * Starts it on the stack, with its definitions.
 * @param options.maxCpus instead of the cluster's
 */
export async function startKarpenter(
  stack: Stack,
  folder: string,
  { maxCpus }: { readonly maxCpus: number },
): Promise<Karpenter> {
  const tools = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false, builds: ['karpenter'] });
  const module = (await go('karpenter', ['list', '-m', '-f', '{{.Dir}}', 'sigs.k8s.io/karpenter'])).trim();
  const definitions = [join(module, 'pkg/apis/crds'), join(module, 'kwok/apis/crds')];
  for (const definition of definitions) await stack.kubectl('apply', '--server-side', '-f', definition);
  await stack.kubectl('wait', '--for=condition=Established', ...definitions.flatMap((path) => ['-f', path]));

  const settings = readCluster(stack.instance.root, CLUSTER) as AwsClusterSettings;
  const types = join(folder, 'instance-types.json');
  writeFileSync(types, JSON.stringify(instanceTypes(settings)));
  const file = join(folder, 'karpenter.log');
  const log = openSync(file, 'w');
  const port = await freePort();
  const program = spawn(join(tools.bin, 'karpenter'), [], {
    env: {
      ...clusterEnvironment(stack.instance, stack.tools),
      SYSTEM_NAMESPACE: 'default',
      DISABLE_LEADER_ELECTION: 'true',
      INSTANCE_TYPES_FILE_PATH: types,
      METRICS_PORT: String(port),
      // Any free one: nobody asks.
      HEALTH_PROBE_PORT: '0',
    },
    stdio: ['ignore', log, log],
  });
  return {
    nodePool: await nodePool(stack, maxCpus),
    log: () => readFileSync(file, 'utf8'),
    metrics: async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    end: async () => {
      if (program.exitCode === null && program.signalCode === null) {
        program.kill('SIGKILL');
        await once(program, 'exit');
      }
      for (const definition of definitions) await stack.kubectl('delete', '--ignore-not-found', '-f', definition);
    },
  };
}

/** Those of the cluster, in every zone and in both ways to buy them. */
function instanceTypes({ nodePool, network }: AwsClusterSettings): object[] {
  return (nodePool?.instanceTypes ?? []).map((name, index) => ({
    name,
    architecture: 'amd64',
    operatingSystems: ['linux'],
    resources: SIZE,
    offerings: network.zones.flatMap((zone) =>
      ['spot', 'on-demand'].map((kind) => ({
        Price: (index + 1) * (kind === 'spot' ? 0.4 : 1),
        Available: true,
        Requirements: [
          { key: 'karpenter.sh/capacity-type', operator: 'In', values: [kind] },
          { key: 'topology.kubernetes.io/zone', operator: 'In', values: [zone] },
        ],
      })),
    ),
  }));
}

interface NodePoolObject {
  readonly kind: string;
  readonly spec: {
    readonly disruption: { consolidateAfter: string };
    readonly template: { metadata?: object; readonly spec: { nodeClassRef: object } };
  };
}

async function nodePool(stack: Stack, maxCpus: number): Promise<object> {
  const { root } = stack.instance;
  const values = ['shared', CLUSTER].flatMap((name) => ['--values', join(root, 'clusters', name, 'cluster.yaml')]);
  const facts = [
    'nodeInstanceProfile=x',
    'nodeImage=/aws/service/eks/optimized-ami/unknown/image_id',
    'nodeSecurityGroup=sg-0',
  ];
  const settings = [...facts, `nodePool.maxCpus=${maxCpus}`].flatMap((setting) => ['--set', setting]);
  const text = await run(join(stack.tools.bin, 'helm'), [
    ...['template', 'node-pool', join(root, 'argocd/node-pool'), '--show-only', 'templates/nodepool.yaml'],
    ...values,
    ...settings,
  ]);
  const pool = parse(text) as NodePoolObject;
  pool.spec.disruption.consolidateAfter = '1s';
  pool.spec.template.spec.nodeClassRef = { group: 'karpenter.kwok.sh', kind: 'KWOKNodeClass', name: 'default' };
  // By which KWOK knows its nodes.
  pool.spec.template.metadata = { labels: { type: 'kwok' } };
  return pool;
}
