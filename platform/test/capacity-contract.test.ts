import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { allocatable, EKS_ADDONS } from '@gitops/manifests/capacity';
import { type AwsClusterSettings, readClusters } from '@gitops/settings';
import { instanceType } from '@gitops/settings/instance-types';
import { synthesize } from '../src/app.ts';
import { repository } from './platform-in-tests.ts';
import { resourcesOf } from './synthesized.ts';

// What `make capacity` counts is what the stacks make.

const stacks = synthesize(repository, join(t.testdir(), 'out'));
const clusters = readClusters(repository).filter(
  (cluster): cluster is AwsClusterSettings => cluster.provider === 'aws',
);

t.test('the add-ons whose pods the capacity proof counts are those of the stacks', (t) => {
  for (const { name } of clusters)
    t.same(
      resourcesOf(stacks, `${name}-cluster`, 'aws_eks_addon')
        .map(({ addon_name }) => String(addon_name))
        .sort(),
      Object.keys(EKS_ADDONS).sort(),
      name,
    );
  t.end();
});

t.test('nodes reserve memory as the capacity proof says: maxPods is set, and no expression', (t) => {
  for (const { name, nodeGroup } of clusters) {
    const [template] = resourcesOf(stacks, `${name}-cluster`, 'aws_launch_template');
    const userData = Buffer.from(String(template?.user_data), 'base64').toString();
    const [config = ''] = /^apiVersion: node\.eks\.aws[^]*?(?=\n--NODE--)/m.exec(userData) ?? [];
    const { pods } = allocatable(instanceType(nodeGroup.instanceType));
    t.same((parse(config) as { spec: unknown }).spec, { kubelet: { config: { maxPods: pods } } }, name);
  }
  t.end();
});
