import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import type { SynthesizedStack } from '../app.ts';
import { PLAN } from '../tofu.ts';
import { clusterNamed, onEach, readStack, requiredClusterOption, synth } from '../workspace.ts';

// `tofu plan -detailed-exitcode`: 0 without changes, 1 for an error, 2 with changes.
const CHANGES = 2;

export default command({
  summary: "fail where AWS differs from the settings: in a cluster's network and EKS, and in what its account has once",
  options: { cluster: requiredClusterOption },
  without: { stack: 'it plans every stack that CI may read; `make plan STACK=…` plans one' },
  run: async ({ options: { cluster }, print, fail }) => {
    const differing: string[] = [];
    const stacks = await readableStacks(cluster);
    if (stacks.every((stack) => stack.cluster !== undefined))
      print('not compared: what the account has once, since settings of another cluster are wrong (`make check`)');
    await onEach(stacks, print, async (tofu, stack) => {
      const { code, output } = await tofu.tryCapture(stack, [...PLAN, '-detailed-exitcode', '-no-color']);
      if (code === 0) print('no differences');
      else print(output.trim());
      if (code === CHANGES) differing.push(stack.name);
      else if (code !== 0) throw new CommandError(`${stack.name}: plan failed`, 'read the messages above');
    });
    if (differing.length > 0) fail(`AWS differs from the settings: ${differing.join(', ')}`);
  },
});

/**
 * The stacks of a cluster's account that CI's role for plans can read. It has no access to the Kubernetes API, which
 * Argo CD's stack needs: what Argo CD runs, Argo CD compares itself.
 */
async function readableStacks(cluster: string): Promise<SynthesizedStack[]> {
  const { accountId } = clusterNamed(cluster);
  return (await synth(cluster)).filter(
    (stack) =>
      readStack(stack).provider.aws.some(({ allowed_account_ids: ids }) => ids.includes(accountId)) &&
      (stack.cluster === undefined || stack.cluster === cluster) &&
      stack.name !== `${cluster}-argocd`,
  );
}
