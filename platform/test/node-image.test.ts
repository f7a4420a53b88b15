import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readClusters } from '@gitops/settings';
import { synthesize, type SynthesizedStack } from '../src/app.ts';
import { nameIn } from '../src/names.ts';
import { repository, repositoryWith } from './platform-in-tests.ts';

t.test(
  "Karpenter is told the date of the node group's image and no version of Kubernetes: it takes the control plane's",
  (t) => {
    // Karpenter resolves an alias with the version that the control plane runs (karpenter-provider-aws v1.14.1,
    // pkg/providers/amifamily/al2023.go): its nodes are never newer, and a version here could only contradict that.
    const imagesIn = (written: readonly SynthesizedStack[], cluster: string): string[] => {
      const stack = written.find(({ name }) => name === nameIn({ name: cluster }, 'argocd'));
      if (stack === undefined) throw new Error(`no stack of ${cluster}`);
      const found = readFileSync(join(stack.folder, 'cdk.tf.json'), 'utf8').matchAll(/al2023@[^"\\]*/g);
      return [...new Set(Array.from(found, String))];
    };
    const folder = t.testdir({});
    const own = synthesize(repository, join(folder, 'own'));
    for (const { name, provider } of readClusters(repository))
      if (provider === 'aws')
        t.same(imagesIn(own, name), ['al2023@v${regex('], `${name}: the date of what EKS recommends`);
    const root = repositoryWith(join(folder, 'repository'), [
      ['dev', '  desiredSize: 2\n', '  desiredSize: 2\n  release: 1.36.2-20260915\n'],
    ]);
    t.same(
      imagesIn(synthesize(root, join(folder, 'pinned')), 'dev'),
      ['al2023@v20260915'],
      'pinned with the node group',
    );
    t.end();
  },
);
