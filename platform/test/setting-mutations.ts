import type { Change } from './platform-in-tests.ts';

// A change of each setting, for integration/setting-changes.test.ts.

export const dev = (from: string | RegExp, to: string): Change => ['dev', from, to];
export const shared = (from: string | RegExp, to: string): Change => ['shared', from, to];

/** Changes that do not touch each other, tried together. */
export interface Batch {
  /** The settings that are changed, each with its mutation. */
  readonly mutations: Readonly<Record<string, readonly Change[]>>;
  /** The stacks that are planned, where that is not all that differ. */
  readonly stacks?: readonly string[];
  /** Of the settings, those that a plan cannot be recognized by: they change what Argo CD is told. */
  readonly told?: readonly string[];
  readonly refused?: readonly string[];
  /** Whether the plan asks AWS what is there. */
  readonly refresh?: true;
}

const POOL = /nodePool:\n(?: .*\n)+/;
/** No cluster has Karpenter: what one has of it is one setting for all of them. */
export const WITHOUT_KARPENTER: readonly Change[] = [
  shared(/ +# Adds nodes by .*\n +- karpenter\n/, ''),
  ...['dev', 'staging', 'production'].map((cluster): Change => [cluster, POOL, '']),
];

const SIZES = /minSize: 2\n +desiredSize: 2\n +maxSize: 6/;
const numbers = '  revision: main\n  ownerId: 7\n  repositoryId: 8';

export const BATCHES: readonly Batch[] = [
  {
    mutations: {
      'api.publicCidrs': [dev('203.0.113.0/24', '203.0.113.0/25')],
      'api.adminRoles': [dev('[platform-team]', '[platform-team, sre]')],
      'api.viewerRoles': [dev('[developers, on-call]', '[developers]')],
      'nodeGroup.minSize': [dev(SIZES, 'minSize: 1\n  desiredSize: 3\n  maxSize: 7')],
      'nodeGroup.desiredSize': [],
      'nodeGroup.maxSize': [],
      'nodeGroup.diskGiB': [dev('diskGiB: 20', 'diskGiB: 30')],
      'nodeGroup.release': [dev('  maxSize: 7', '  maxSize: 7\n  release: 1.36.1-20260801')],
      'network.natGateways': [dev('natGateways: one', 'natGateways: per-zone')],
      'previews.domain': [dev('domain: preview.dev', 'domain: p.dev')],
      deletionProtection: [dev('deletionProtection: false', 'deletionProtection: true')],
      customerKey: [dev('customerKey: false', 'customerKey: true')],
      interfaceEndpoints: [dev('interfaceEndpoints: false', 'interfaceEndpoints: true')],
      logRetentionDays: [dev('logRetentionDays: 7', 'logRetentionDays: 14')],
      backupRetentionDays: [dev('backupRetentionDays: 7', 'backupRetentionDays: 14')],
      'budget.monthlyUsd': [dev('monthlyUsd: 200', 'monthlyUsd: 400')],
      'budget.email': [dev('email: platform-team@', 'email: costs@')],
    },
    told: ['previews.domain'],
  },
  {
    mutations: {
      'nodeGroup.instanceType': [dev('t3.medium', 't3.large')],
      'git.revision': [shared('revision: main', 'revision: trunk')],
      'network.cidr': [dev('  natGateways: one', '  cidr: 10.9.0.0/16\n  natGateways: one')],
    },
    refused: ['network.cidr'],
  },
  {
    mutations: {
      'nodeGroup.capacityType': [dev('capacityType: spot', 'capacityType: on-demand')],
      'git.repository': [shared('github.com/example/', 'github.com/other/')],
    },
  },
  {
    mutations: {
      controllers: [shared('  - kube-prometheus-stack\n', '')],
      'git.ownerId': [shared('  revision: main', numbers)],
      'git.repositoryId': [],
    },
    refused: ['controllers'],
  },
  {
    mutations: { controllers: WITHOUT_KARPENTER, nodePool: [] },
    refused: ['controllers', 'nodePool'],
  },
  {
    mutations: { 'previews.domain': [dev(/previews:\n.*\n.*\n/, '')] },
    stacks: ['dev-cluster'],
    refused: ['previews.domain'],
  },
  {
    mutations: { kubernetesVersion: [shared('"1.36"', '"1.35"')] },
    stacks: ['dev-cluster'],
  },
  {
    mutations: { 'git.repository': [shared('gitops-platform.git', 'platform.git')] },
    // The account's own stack does not even plan it: its bucket must not be destroyed.
    stacks: ['dev-cluster'],
    refused: ['git.repository'],
  },
  {
    mutations: {
      accountId: [dev('accountId: "111111111111"', 'accountId: "222222222222"')],
      region: [
        dev('provider: aws', 'provider: aws\nregion: eu-central-1'),
        dev('  natGateways: one', '  zones: [eu-central-1a, eu-central-1b]\n  natGateways: one'),
      ],
      'registry.accountId': [shared('accountId: "111111111111"', 'accountId: "333333333333"')],
      'registry.region': [shared('  region: us-east-1\nkube', '  region: eu-central-1\nkube')],
    },
    stacks: ['registry', 'dev-network'],
    refused: ['accountId', 'region', 'registry.accountId', 'registry.region'],
    refresh: true,
  },
];

/** What synth refuses, before anything is planned. */
export const REFUSED_BY_SYNTH: Readonly<Record<string, readonly [change: Change, problem: RegExp]>> = {
  name: [dev('name: dev', 'name: development'), /^clusters\/dev\/cluster\.yaml:\d+: name: must be the folder's name/],
  provider: [dev('provider: aws', 'provider: local'), /^clusters\/dev\/cluster\.yaml:1: nodes: missing/m],
};

/** What changes nothing in AWS. */
export const NOTHING: Readonly<Record<string, readonly Change[]>> = {
  state: [shared('state: local', 'state: s3')],
  freezes: [
    dev(
      'deletionProtection:',
      'freezes: [{ name: a, schedule: "0 18 1 1 *", duration: 1h, timeZone: UTC, reason: rest }]\ndeletionProtection:',
    ),
  ],
  'nodePool.instanceTypes': [dev('[t3.medium, t3.large]', '[t3.large]')],
  'nodePool.capacityTypes': [dev('capacityTypes: [spot]', 'capacityTypes: [spot, on-demand]')],
  'nodePool.expectedNodes': [dev('expectedNodes: 0', 'expectedNodes: 1')],
  'nodePool.maxCpus': [dev('maxCpus: 8', 'maxCpus: 12')],
  nodes: [['local', 'nodes: 2', 'nodes: 1']],
  simulatedNodes: [['local', 'simulatedNodes: 2', 'simulatedNodes: 3']],
};
