import { readFileSync } from 'node:fs';
import t from 'tap';
import { stepsTo, versionProblem } from '../../src/commands/upgrade.ts';
import { CALLER, storyOf } from '../apply-in-tests.ts';
import { type Change, openPlatform, outputOf, type Platform } from '../platform-in-tests.ts';
import type { Operation } from '../simulated-aws/operations.ts';

// Upgrades of Kubernetes and of the nodes' image, as `make apply` does them.

const { standardSupportUntil } = JSON.parse(
  readFileSync(new URL('../../../packages/settings/data/eks-versions.json', import.meta.url), 'utf8'),
) as { standardSupportUntil: Record<string, string> };
const [OLD = '', NEW = ''] = Object.keys(standardSupportUntil).slice(-2);
/** A day on which both are supported. */
const TODAY = new Date(standardSupportUntil[OLD] ?? '');
const at = (version: string): Change => ['shared', /kubernetesVersion: .*/, `kubernetesVersion: "${version}" # tried`];

/** What was updated since, without what happened to access, roles and templates. */
const updates = ({ cloud }: Platform, since: number): Operation[] =>
  cloud.timeline
    .slice(since)
    .filter(({ type }) => ['aws_eks_cluster', 'aws_eks_addon', 'aws_eks_node_group'].includes(type));

/** The versions that a cluster runs: control plane, add-ons, nodes, and the release of their image. */
const versions = ({ cloud }: Platform, cluster: string): string[] => {
  const of = (type: string, attribute: string): unknown[] =>
    cloud
      .things(type)
      .filter(({ values }) => (type === 'aws_eks_cluster' ? values.name : values.cluster_name) === cluster)
      .map(({ values }) => values[attribute]);
  const all = [
    ...of('aws_eks_cluster', 'version'),
    ...new Set(of('aws_eks_addon', 'addon_version')),
    ...of('aws_eks_node_group', 'version'),
    ...of('aws_eks_node_group', 'release_version'),
  ];
  return all.map(String);
};
const allAt = (version: string): string[] => [version, `v${version}.0-eksbuild.1`, version, `${version}.1-20260901`];

/** What Argo CD in dev is told of the image of Karpenter's nodes: versions of Kubernetes and date. */
const imageOfAddedNodes = ({ cloud }: Platform): string[] => {
  const values = JSON.stringify(cloud.things('helm_release').map(({ values }) => values));
  const images = values.matchAll(/optimized-ami\/(1\.\d+)\/[^"\\]*-standard-(1\.\d+)-v(\d+)\/image_id/g);
  return [...new Set(Array.from(images, ([, folder, version, date]) => [folder, version, date].join(' ')))];
};

const steps = (): string[] => [
  `the control plane, ${OLD} → ${NEW}`,
  `the add-ons, for ${NEW}`,
  `the nodes, ${OLD}.1-20260901 → ${NEW}`,
];

// One AWS for all of it: most of the time goes into what was there before.
t.test('clusters that run', async (t) => {
  const isWanted = ({ name }: { name: string }): boolean => /^bootstrap-|-(network|cluster)$|^dev-argocd$/.test(name);
  const platform = await openPlatform(t, isWanted, [at(OLD)], undefined, undefined, TODAY);
  await platform.apply(...platform.stacks.map(({ name }) => name));
  const upgraded = platform.change(at(NEW));

  await t.test('do not begin where EKS lacks an add-on for the version: no step later could follow', async (t) => {
    const before = platform.cloud.operations;
    const asked: string[] = [];
    const addons = async (...call: readonly string[]): Promise<string[]> => {
      asked.push(call.join(' '));
      return Promise.resolve(['vpc-cni', 'kube-proxy', 'eks-pod-identity-agent', 'aws-ebs-csi-driver', 'other']);
    };
    await t.rejects(storyOf(platform, t.testdirName).apply('dev-cluster', { root: upgraded, addons }), {
      name: 'SettingsError',
      message: new RegExp(
        '^clusters/shared/cluster.yaml:\\d+: kubernetesVersion: must be a version that EKS has every add-on for; ' +
          `for ${NEW} it recommends no version of coredns, eks-node-monitoring-agent \\(\`aws eks describe-addon-versions `,
      ),
    });
    t.same(asked, [`us-east-1 ${NEW}`]);
    t.equal(platform.cloud.operations, before, 'nothing is changed');
  });

  await t.test('take back an upgrade that was merged and never applied', async (t) => {
    const root = platform.change(at(OLD));
    const before = platform.cloud.operations;
    const { apply, printed } = storyOf(platform, t.testdirName);
    t.ok(await apply('dev-cluster', { root, addons: async () => Promise.reject(new Error('nothing to ask')) }));
    t.same([printed, platform.cloud.operations], [[], before], 'nothing is to be done');
    platform.change(at(NEW));
  });

  await t.test('go from one version to the next: control plane, add-ons, nodes', async (t) => {
    for (const cluster of ['staging', 'production']) {
      t.same(versions(platform, cluster), allAt(OLD));
      const before = platform.cloud.timeline.length;
      const story = storyOf(platform, t.testdirName);
      t.ok(await story.apply(`${cluster}-cluster`, { root: upgraded }));
      t.same(versions(platform, cluster), allAt(NEW));
      const [first, second, third] = steps();
      const words = story.printed.filter((line) => line.startsWith('by '));
      t.match(
        words[0],
        /^by the settings:\n {2}kubernetesVersion: control plane, add-ons, nodes, one after the other; /,
      );
      t.match(words[2], /^by the settings:\n {2}kubernetesVersion: [^\n]*$/, 'which brings the release of the image');
      t.same(
        story.printed.filter((line) => !words.includes(line)),
        [
          `an upgrade of Kubernetes, in this order:\n  1. ${first}\n  2. ${second}\n  3. ${third}`,
          ...steps().map((title) => `\n${cluster}-cluster: ${title}`),
        ],
      );
      const done = updates(platform, before);
      t.same(
        done.map(({ operation, type }) => `${operation} ${type}`),
        [
          'update aws_eks_cluster',
          ...Array.from({ length: 6 }, () => 'update aws_eks_addon'),
          'update aws_eks_node_group',
        ],
        'nothing is replaced, and no step begins before the one before has ended',
      );
      const [plane, ...others] = done;
      const nodes = others.pop();
      t.ok(
        others.every(({ began }) => began > (plane?.ended ?? 0)),
        'add-ons after the control plane',
      );
      t.ok(
        others.every(({ ended }) => ended < (nodes?.began ?? 0)),
        'nodes after the add-ons',
      );
      const plan = await platform.engine(`${cluster}-cluster`).plan();
      t.equal(plan.code, 0, `${cluster}: nothing is left to do${plan.code === 0 ? '' : outputOf(plan)}`);
    }
  });

  await t.test('may be stopped after each step, and go on from there', async (t) => {
    const stopBefore = async (title = ''): Promise<string> => {
      const { apply, printed } = storyOf(platform, t.testdirName);
      const print = (line: string): void => {
        printed.push(line);
        // Whoever is asked says no.
        if (line === `\ndev-cluster: ${title}`) throw new Error('no');
      };
      await t.rejects(apply('dev-cluster', { root: upgraded, print }), { message: 'no' });
      return printed.join('\n');
    };
    const [, addons, nodes] = steps();
    t.same(imageOfAddedNodes(platform), [`${OLD} ${OLD} 20260901`]);
    t.equal((await platform.engine('dev-argocd').plan()).code, 0, 'what is merged alone brings no newer nodes');
    await stopBefore(addons);
    t.same(versions(platform, 'dev'), [NEW, ...allAt(OLD).slice(1)], 'the control plane alone');
    t.notMatch(await stopBefore(nodes), 'the control plane', 'what is done is not done again');
    t.same(versions(platform, 'dev'), [...allAt(NEW).slice(0, 2), ...allAt(OLD).slice(2)], 'then the add-ons');
    t.equal((await platform.engine('dev-cluster').plan()).code, 2, 'a plan shows the nodes that are left behind');
    t.ok(await storyOf(platform, t.testdirName).apply('dev-cluster', { root: upgraded }));
    t.same(versions(platform, 'dev'), allAt(NEW));
    t.equal((await platform.engine('dev-cluster').plan()).code, 0);
    t.same(imageOfAddedNodes(platform), [`${OLD} ${OLD} 20260901`], "Karpenter's nodes wait for all of it");
    t.equal((await platform.engine('dev-argocd').apply()).code, 0);
    t.same(imageOfAddedNodes(platform), [`${NEW} ${NEW} 20260901`]);
  });

  await t.test('take a new release of the image with the next apply, and keep one that is named', async (t) => {
    const name = `/aws/service/eks/optimized-ami/${NEW}/amazon-linux-2023/x86_64/standard/recommended/release_version`;
    platform.cloud.plant('ssm_parameter', { id: name, value: `${NEW}.2-20261001` }, CALLER);
    const { apply, printed } = storyOf(platform, t.testdirName);
    const before = platform.cloud.timeline.length;
    t.ok(await apply('dev-cluster'));
    t.same(
      updates(platform, before).map(({ operation, type }) => `${operation} ${type}`),
      ['update aws_eks_node_group'],
    );
    t.equal(versions(platform, 'dev').at(-1), `${NEW}.2-20261001`);
    t.match(printed, [/^by the settings:\n {2}nodeGroup\.release: [^\n]*$/], 'no upgrade of Kubernetes');
    t.equal(printed.length, 1);

    platform.change(at(NEW), ['dev', '  desiredSize: 2\n', `  desiredSize: 2\n  release: ${NEW}.1-20260901\n`]);
    t.ok(await apply('dev-cluster'));
    t.equal(versions(platform, 'dev').at(-1), `${NEW}.1-20260901`, 'back to the one that worked');
    t.equal((await platform.engine('dev-cluster').plan()).code, 0);
  });

  await t.test('do not go back: it is refused before anything is planned, with file, line and key', async (t) => {
    const root = platform.change(at(OLD));
    const before = platform.cloud.operations;
    await t.rejects(storyOf(platform, t.testdirName).apply('dev-cluster', { root }), {
      name: 'SettingsError',
      message: new RegExp(
        `^clusters/shared/cluster.yaml:\\d+: kubernetesVersion: must not go back: .* ${NEW}, .* \\(it is "${OLD}"\\)$`,
      ),
    });
    t.equal(platform.cloud.operations, before, 'nothing is changed');
  });
});

t.test('one minor version at a time, never back, and no node is left behind', (t) => {
  const nodes = (version: string) => ({ version, release: `${version}.1-20260901` });
  for (const [controlPlane, group, wanted, rule] of [
    [
      '1.34',
      nodes('1.34'),
      '1.36',
      /^must be 1\.35: the cluster runs 1\.34, and EKS upgrades one minor version at a time/,
    ],
    ['1.35', nodes('1.34'), '1.36', /^must be 1\.35 until the nodes run it too: they run 1\.34; /],
    ['1.36', nodes('1.36'), '1.35', /^must not go back: the cluster runs 1\.36/],
    ['1.35', nodes('1.34'), '1.35', undefined],
    ['1.35', nodes('1.35'), '1.36', undefined],
    ['1.35', undefined, '1.36', undefined],
  ] as const) {
    const found = versionProblem({ controlPlane, nodes: group }, wanted);
    if (rule === undefined) t.equal(found, undefined);
    else t.match(found, rule);
  }
  t.same(stepsTo('1.36', { controlPlane: '1.36', nodes: nodes('1.36') }), []);
  t.same(
    stepsTo('1.36', { controlPlane: '1.36', nodes: nodes('1.35') }).map(({ args }) => args),
    [['-var=held_node_release=1.35.1-20260901'], []],
  );
  t.end();
});
