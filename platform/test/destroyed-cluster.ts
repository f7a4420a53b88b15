import { join } from 'node:path';
import type { Test } from 'tap';
import { type AwsClusterSettings, readCluster } from '@gitops/settings';
import type { SynthesizedStack } from '../src/app.ts';
import { type Certificate, destroyCluster } from '../src/commands/destroy.ts';
import { type Answer, fakePrograms } from './fake-programs.ts';
import { repository, silent } from './platform-in-tests.ts';

const settings = readCluster(repository, 'dev') as AwsClusterSettings;
const stacks: SynthesizedStack[] = ['dev-network', 'dev-cluster', 'dev-argocd'].map((name) => ({
  name,
  folder: '',
  after: [],
  cluster: 'dev',
}));

export const none = JSON.stringify({ ResourceTagMappingList: [] });
export const arns = (...list: string[]): string =>
  JSON.stringify({ ResourceTagMappingList: list.map((ResourceARN) => ({ ResourceARN })) });
const applications = JSON.stringify({
  items: [
    ['fastify-service', 'services'],
    ['aws-load-balancer-controller', 'controllers'],
    ['karpenter', 'controllers'],
    ['node-pool', 'controllers'],
  ].map(([name, project]) => ({ metadata: { name }, spec: { project } })),
});
const usual: Answer[] = [
  { program: 'kubectl', to: 'get statefulset', stdout: 'statefulset.apps/argocd-application-controller\n' },
  { program: 'kubectl', to: 'get applications', stdout: applications },
  { program: 'aws', to: 'get-resources', stdout: none },
  { program: 'aws', to: 'describe-instances', stdout: '[]' },
  { program: 'aws', to: 'describe-log-groups', stdout: '[]' },
  { program: 'aws', to: 'list-roles', stdout: '[]' },
];
/** The state of a stack with one release. */
const STATE = JSON.stringify({
  resources: [{ mode: 'managed', type: 'helm_release', name: 'argocd', instances: [{ attributes: { id: 'argocd' } }] }],
});
export const LOAD_BALANCER = 'arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/app/k8s-x/1';

/** Takes the cluster down among programs that answer so. What happened, in short words. */
export async function destroyed(
  t: Test,
  answers: readonly Answer[] = [],
  attempts = 3,
): Promise<{
  happened: string[];
  kubeconfigs: (string | undefined)[];
  certificate: Certificate | undefined;
  error: string;
}> {
  const fake = fakePrograms(join(t.testdir({}), 'bin'), ['aws', 'kubectl'], [...answers, ...usual]);
  const before = process.env.PATH;
  process.env.PATH = fake.folder;
  const order: { at: number; what: string }[] = [];
  const tofu = {
    run: async ({ name }: SynthesizedStack, [verb = '']: readonly string[]): Promise<void> => {
      order.push({ at: fake.calls().length, what: `tofu ${verb} ${name}` });
      return Promise.resolve();
    },
    capture: async ({ name }: SynthesizedStack, args: readonly string[]) => {
      if (args.join(' ') === 'state pull') return Promise.resolve(STATE);
      order.push({ at: fake.calls().length, what: `tofu ${args.join(' ')} ${name}` });
      return Promise.resolve('');
    },
    tryCapture: async () => Promise.resolve({ code: 0, output: '' }),
  };
  let certificate: Certificate | undefined;
  let error = '';
  try {
    certificate = await destroyCluster({
      cluster: settings,
      stacks,
      tofu,
      initialize: async () => Promise.resolve(),
      progress: silent,
      patience: { seconds: 0, attempts },
    });
  } catch (reason) {
    error = reason instanceof Error ? reason.message : String(reason);
  } finally {
    if (before !== undefined) process.env.PATH = before;
  }
  const kubeconfigs = [
    ...new Set(
      fake
        .calls()
        .filter((call) => /^kubectl|update-kubeconfig/.test(call))
        .map((call) => /--kubeconfig (\S+)/.exec(call)?.[1]),
    ),
  ];
  const calls = fake.calls().map((call, index) => ({
    at: index,
    what: call.replace(
      / --kubeconfig \S+| --namespace argocd| --region \S+| --output \S+| --ignore-not-found| --wait| --timeout=\S+/g,
      '',
    ),
  }));
  return {
    kubeconfigs,
    happened: [...calls, ...order.map(({ at, what }) => ({ at: at - 0.5, what }))]
      .sort((a, b) => a.at - b.at)
      .map(({ what }) => what),
    certificate,
    error,
  };
}
