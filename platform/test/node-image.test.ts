import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readClusters } from '@gitops/settings';
import { synthesize, type SynthesizedStack } from '../src/app.ts';
import { nameIn } from '../src/names.ts';
import { repository, repositoryWith } from './platform-in-tests.ts';

const CONTROL_PLANE = '${data.aws_eks_cluster.cluster.version}';
const RECOMMENDED = '${regex("[0-9]+$", data.aws_ssm_parameter.node-release.insecure_value)}';
const imageOf = (date: string): string =>
  `/aws/service/eks/optimized-ami/${CONTROL_PLANE}/amazon-linux-2023/x86_64/standard/` +
  `amazon-eks-node-al2023-x86_64-standard-${CONTROL_PLANE}-v${date}/image_id`;

interface StackJson {
  readonly locals?: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, Readonly<Record<string, { readonly name: string }>>>>;
}

const argocdOf = (stacks: readonly SynthesizedStack[], cluster: string): StackJson => {
  const stack = stacks.find(({ name }) => name === nameIn({ name: cluster }, 'argocd'));
  if (stack === undefined) throw new Error(`no stack of ${cluster}`);
  return JSON.parse(readFileSync(join(stack.folder, 'cdk.tf.json'), 'utf8')) as StackJson;
};

t.test("Karpenter's nodes run the node group's release for the version that the control plane runs", (t) => {
  const folder = t.testdir({});
  const own = synthesize(repository, join(folder, 'own'));
  for (const { name, provider } of readClusters(repository)) {
    if (provider !== 'aws') continue;
    const { locals, data } = argocdOf(own, name);
    t.same(locals, { 'node-image': imageOf(RECOMMENDED) }, `${name}: the date of what EKS recommends`);
    t.match(
      data.aws_ssm_parameter?.['node-release'],
      { name: `/aws/service/eks/optimized-ami/${CONTROL_PLANE}/` },
      `${name}: recommended for what runs, not for what the settings ask`,
    );
  }
  const root = repositoryWith(join(folder, 'repository'), [
    ['dev', '  desiredSize: 2\n', '  desiredSize: 2\n  release: 1.36.2-20260915\n'],
  ]);
  const pinned = argocdOf(synthesize(root, join(folder, 'pinned')), 'dev');
  t.same(pinned.locals, { 'node-image': imageOf('20260915') }, 'pinned with the node group');
  t.end();
});
