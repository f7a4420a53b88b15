import type { Test } from 'tap';
import { readCluster, readClusters, SettingsError } from '../src/settings.ts';

// Files of the tests' own: the repository's may change without breaking a test here.
export const FILES = {
  shared: `# What all clusters have in common.
git:
  repository: https://github.com/example/gitops-platform.git
  revision: main
registry:
  accountId: "999999999999"
  region: us-east-1
kubernetesVersion: "1.36"
state: local
controllers: [metrics-server]
`,
  dev: `# An aws cluster.
name: dev
provider: aws
accountId: "111111111111"
region: us-east-1
network:
  cidr: 10.0.0.0/16
  zones: [us-east-1a, us-east-1b]
  natGateways: one
nodeGroup:
  instanceType: t3.medium
  minSize: 2
  desiredSize: 2
  maxSize: 3
  capacityType: spot
  diskGiB: 20
api:
  publicCidrs: [203.0.113.0/24]
  adminRoles: [platform-team]
  viewerRoles: []
deletionProtection: false
customerKey: false
interfaceEndpoints: false
logRetentionDays: 7
backupRetentionDays: 7
budget: { monthlyUsd: 200, email: platform-team@example.com }
`,
  local: `# A cluster on one machine.
name: local
provider: local
nodes: 2
simulatedNodes: 2
controllers: []
`,
};

export type FixtureName = keyof typeof FILES;
export type Edit = (text: string) => string;

/** Replaces one part of a text. Throws where the text does not have it: such an edit is a mistake of the test. */
export const replace =
  (from: string, to: string): Edit =>
  (text) => {
    if (!text.includes(from)) throw new Error(`the fixture has no ${JSON.stringify(from)}`);
    return text.replace(from, to);
  };

/** Appends lines to a text. */
export const append =
  (lines: string): Edit =>
  (text) =>
    `${text}${lines}\n`;

/**
 * A repository of these files.
 * @param edits changes to some of them
 * @param further more clusters: the whole file, by the cluster's name
 */
export function repository(
  t: Test,
  edits: Partial<Record<FixtureName, Edit>> = {},
  further: Readonly<Record<string, string>> = {},
): string {
  const clusters: Record<string, { 'cluster.yaml': string }> = {};
  for (const [name, text] of Object.entries(FILES)) {
    const edit = edits[name as FixtureName];
    clusters[name] = { 'cluster.yaml': edit === undefined ? text : edit(text) };
  }
  for (const [name, text] of Object.entries(further)) clusters[name] = { 'cluster.yaml': text };
  return t.testdir({ clusters });
}

/** The problems of one cluster, or of all; the test fails where there are none. */
export function problemsOf(t: Test, folder: string, cluster?: string): readonly string[] {
  try {
    if (cluster === undefined) readClusters(folder);
    else readCluster(folder, cluster);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  t.fail('the settings were accepted');
  return [];
}
