import { resolve } from 'node:path';
import t from 'tap';
import { type AwsClusterSettings, type ClusterSettings, readCluster } from '@gitops/settings';
import { instanceType } from '@gitops/settings/instance-types';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { capacityProblems, capacityTable } from '../../src/proofs/capacity.ts';
import { allocatable, reservedMemory } from '../../src/proofs/capacity/nodes.ts';
import { podRequest } from '../../src/proofs/capacity/pods.ts';

const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const cluster = (nodeGroup: object = {}, zones = ZONES, pool?: object): AwsClusterSettings => {
  const settings = readCluster(resolve(import.meta.dirname, '../../../..'), 'production');
  if (settings.provider !== 'aws') throw new Error('production is a cluster on AWS');
  const { nodePool, ...others } = settings;
  return {
    ...others,
    ...(pool === undefined || nodePool === undefined ? {} : { nodePool: { ...nodePool, ...pool } }),
    network: { cidr: '10.2.0.0/16', zones, natGateways: 'per-zone' },
    nodeGroup: {
      ...settings.nodeGroup,
      instanceType: 't3.medium',
      minSize: 3,
      desiredSize: 6,
      maxSize: 9,
      ...nodeGroup,
    },
  };
};

const LABELS = { app: 'api' };
const spread = (more: object = {}): object => ({
  topologyKey: 'topology.kubernetes.io/zone',
  maxSkew: 1,
  whenUnsatisfiable: 'DoNotSchedule',
  matchLabelKeys: ['pod-template-hash'],
  labelSelector: { matchLabels: LABELS },
  ...more,
});

interface Options {
  readonly replicas?: number;
  readonly cpu?: string;
  readonly memory?: string;
  readonly maxSurge?: number | string;
  readonly spec?: object;
}
function deployment({
  replicas = 3,
  cpu = '500m',
  memory = '512Mi',
  maxSurge = 1,
  spec = {},
}: Options = {}): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'api' },
    spec: {
      replicas,
      strategy: { rollingUpdate: { maxSurge, maxUnavailable: 0 } },
      template: {
        metadata: { labels: LABELS },
        spec: { containers: [{ name: 'api', resources: { requests: { cpu, memory } } }], ...spec },
      },
    },
  };
}
const autoscaler = (maxReplicas: number): KubernetesObject => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'api' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api' }, minReplicas: 3, maxReplicas },
});

const rules = (settings: ClusterSettings, objects: KubernetesObject[]): string[] =>
  capacityProblems(settings, objects).map(({ object, path, rule }) => `${object} ${path}: ${rule}`);

t.test('a node offers what nodeadm leaves of it', (t) => {
  // 4096 MiB less 7.5 %, 255 + 11 × 17 reserved and 100 for eviction.
  t.same(allocatable(instanceType('t3.medium')), { cpu: 1930, memory: 3788 - 442 - 100, pods: 110 });
  t.same(allocatable(instanceType('t3.medium'), { prefixDelegation: false }), { cpu: 1930, memory: 3246, pods: 17 });
  t.equal(allocatable(instanceType('t3.medium'), { reservedFor: 'all' }).memory, 3788 - (255 + 11 * 110) - 100);
  t.same(allocatable(instanceType('m7i.xlarge'), { prefixDelegation: false }), {
    cpu: 4000 - 80,
    memory: Math.floor(16_384 * 0.925) - (255 + 11 * 58) - 100,
    pods: 58,
  });
  t.equal(
    allocatable({ cpus: 64, memory: 262_144, interfaces: 15, addresses: 50 }).pods,
    250,
    'large nodes take more pods',
  );
  t.equal(allocatable({ cpus: 64, memory: 262_144, interfaces: 15, addresses: 50 }).cpu, 64_000 - 60 - 10 - 10 - 150);
  t.end();
});

t.test('the reserve is what nodeadm writes for the same number of pods', (t) => {
  // nodeadm/test/e2e/cases/custom-max-pods-expression/scenarios/kubelet-config-max-pods of awslabs/amazon-eks-ami at
  // 81fec2e: an expression that gives 60 and maxPods 1 in the kubelet's configuration reserve 915Mi.
  t.equal(reservedMemory(60), 915);
  t.equal(reservedMemory(17), 442);
  t.end();
});

t.test('a pod asks for its containers and sidecars, or for a greedier init container', (t) => {
  const container = (cpu: string, memory: string, more: object = {}) => ({
    name: cpu,
    resources: { requests: { cpu, memory } },
    ...more,
  });
  t.same(podRequest({ containers: [container('250m', '256Mi'), container('0.1', '128M')] }), {
    cpu: 350,
    memory: 256 + 128e6 / 2 ** 20,
    pods: 1,
  });
  t.same(podRequest({ containers: [container('100m', '64Mi')], initContainers: [container('1', '32Mi')] }), {
    cpu: 1000,
    memory: 64,
    pods: 1,
  });
  t.same(
    podRequest({
      containers: [container('100m', '64Mi')],
      initContainers: [container('50m', '32Mi', { restartPolicy: 'Always' }), container('80m', '16Mi')],
    }),
    { cpu: 150, memory: 96, pods: 1 },
  );
  t.same(
    podRequest({ containers: [{ name: 'limits', resources: { limits: { cpu: '1', memory: '1Gi' } } }] }),
    { cpu: 1000, memory: 1024, pods: 1 },
    'limits stand in for requests',
  );
  t.end();
});

t.test('a group that holds its pods has no problem', (t) => {
  const objects = [deployment({ spec: { topologySpreadConstraints: [spread()] } }), autoscaler(9)];
  t.same(rules(cluster(), objects), []);
  // Four nodes of 1930m less 180m for add-ons, and 3246 MiB less 120; nine pods, one more in a rollout, and CoreDNS.
  const worst = capacityTable(cluster(), objects).filter(([, nodes, zone]) => nodes === 'most' && zone !== '-');
  t.same(
    worst.map((row) => row.join(' ')),
    ZONES.map((zone) => `production most ${zone} 4 5320m 6960m 5740 MiB 12384 MiB 14 of 420 0 yes`),
  );
  t.end();
});

t.test('nodes that Karpenter adds: expected on an ordinary day, the most of them on the worst', (t) => {
  const nodeClass: KubernetesObject = {
    apiVersion: 'karpenter.k8s.aws/v1',
    kind: 'EC2NodeClass',
    metadata: { name: 'default' },
    spec: { kubelet: { maxPods: 50, kubeReserved: { memory: '640Mi' } } },
  };
  const pool = (fields: object) => cluster({ desiredSize: 3 }, ZONES, { instanceTypes: ['t3.medium'], ...fields });
  const objects = [deployment({ replicas: 12, maxSurge: 0 }), autoscaler(12), nodeClass];
  const few = pool({ expectedNodes: 0, maxCpus: 2 });
  t.match(rules(few, objects)[0], /nodePool\.maxCpus: production without us-east-1a has 2 nodes/);
  const many = pool({ expectedNodes: 0, maxCpus: 12 });
  t.same(rules(many, objects), [], 'three pods a node, on six');
  t.match(
    capacityTable(many, objects).map(([, nodes, , left]) => `${nodes} ${left}`),
    ['least 3', 'expected 3', 'expected 2', 'expected 2', 'expected 2', 'most 9', 'most 6', 'most 6', 'most 6'],
  );
  // Three of its pods would need a fourth node: nobody would buy it without a pool.
  const large = [deployment({ replicas: 4, cpu: '1500m', maxSurge: 0 }), nodeClass];
  t.match(rules(pool({ expectedNodes: 0, maxCpus: 12 }), large), [
    /nodePool\.expectedNodes: production on an ordinary day has 3 nodes, where 1 pod of Deployment\/api/,
  ]);
  t.same(rules(pool({ expectedNodes: 1, maxCpus: 12 }), large), []);
  t.end();
});

t.test('what is short is reported, and by how much', (t) => {
  const [problem] = capacityProblems(cluster(), [deployment(), autoscaler(14)]);
  t.same(problem, {
    object: 'clusters/production/cluster.yaml',
    path: 'nodeGroup.desiredSize',
    rule:
      'production without us-east-1a has 4 nodes, ' +
      'where 3 pods of Deployment/api cannot be scheduled: short of 860m CPU',
  });
  t.match(
    rules(cluster(), [deployment({ memory: '4Gi' })])[0],
    /4 pods of Deployment\/api cannot be scheduled: short of \d+ MiB memory$/,
  );
  t.match(
    capacityProblems(cluster(), [deployment({ cpu: '0', memory: '0', maxSurge: 0 }), autoscaler(70)], {
      prefixDelegation: false,
    })[0]?.rule,
    /short of 26 pod slots/,
  );
  t.match(
    rules(cluster({ desiredSize: 3 }, ZONES.slice(0, 2)), [deployment(), autoscaler(3)])[0],
    'without us-east-1a has 1 nodes',
    'the zone with two of three nodes',
  );
  t.end();
});

t.test('pods of a rollout, and daemons, count', (t) => {
  // 1750m of each of four nodes take three pods: twelve, and CoreDNS.
  t.same(rules(cluster(), [deployment({ replicas: 11, maxSurge: 1 })]), []);
  t.equal(rules(cluster(), [deployment({ replicas: 12, maxSurge: 1 })]).length, 3);
  t.equal(rules(cluster(), [deployment({ replicas: 10, maxSurge: '25%' })]).length, 3, 'a share is rounded up');
  const daemon = {
    ...deployment({ cpu: '300m', maxSurge: 0 }),
    kind: 'DaemonSet',
    metadata: { name: 'node-exporter' },
  };
  t.equal(rules(cluster(), [deployment({ replicas: 11, maxSurge: 1 }), daemon]).length, 3);
  t.end();
});

t.test('CronJobs and Jobs count', (t) => {
  const template = {
    spec: { containers: [{ name: 'job', resources: { requests: { cpu: '1700m', memory: '1Gi' } } }] },
  };
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'migrate' },
    spec: { parallelism: 5, template },
  };
  t.match(rules(cluster(), [job])[0], 'where 1 pod of Job/migrate cannot be scheduled');
  t.match(
    rules(cluster(), [
      deployment({ replicas: 11 }),
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'report' },
        spec: { jobTemplate: { spec: { template } } },
      },
    ])[0],
    'of Deployment/api',
  );
  t.end();
});

t.test('spread constraints must hold in the zones that are left', (t) => {
  const spreading = (more: object = {}, replicas = 4): KubernetesObject[] => [
    deployment({ replicas, spec: { topologySpreadConstraints: [spread(more)] } }),
  ];
  t.same(rules(cluster(), spreading()), [], 'the lost zone is no domain any more');
  t.equal(rules(cluster(), spreading({ minDomains: 3 })).length, 3, 'unless three domains are asked for');
  t.same(rules(cluster(), spreading({ minDomains: 3, whenUnsatisfiable: 'ScheduleAnyway' })), []);
  // Two zones with two and one nodes: the smaller one takes three pods, so that the other stops at four.
  const uneven = cluster({ desiredSize: 5 });
  t.match(rules(uneven, spreading({}, 8)), [/without us-east-1a has 3 nodes/, /without us-east-1b has 3 nodes/]);
  t.match(rules(uneven, spreading({}, 8))[0], 'spread constraints');
  t.same(rules(uneven, spreading({ maxSkew: 3 }, 8)), []);
  t.equal(rules(cluster(), spreading({ topologyKey: 'kubernetes.io/hostname', minDomains: 5 }, 5)).length, 3);
  t.end();
});

t.test('pods that must stand apart need as many nodes', (t) => {
  const apart = (replicas: number): KubernetesObject[] => [
    deployment({
      replicas,
      maxSurge: 0,
      spec: {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: LABELS } },
            ],
          },
        },
      },
    }),
  ];
  t.same(rules(cluster(), apart(4)), []);
  t.equal(rules(cluster(), apart(5)).length, 3);
  t.end();
});

t.test('an unknown instance type names the setting; a cluster without node groups has no capacity', (t) => {
  t.match(rules(cluster({ instanceType: 'z9.huge' }), []), [
    /^clusters\/production\/cluster\.yaml nodeGroup\.instanceType: .*it is z9\.huge/,
  ]);
  const { name, kubernetesVersion, git, registry, state } = cluster();
  const local: ClusterSettings = {
    name,
    kubernetesVersion,
    git,
    registry,
    state,
    controllers: [],
    provider: 'local',
    nodes: 2,
    simulatedNodes: 2,
  };
  t.same([rules(local, [deployment({ replicas: 999 })]), capacityTable(local, [])], [[], []]);
  t.end();
});
