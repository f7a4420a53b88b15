import { command } from '@gitops/report/command-line';
import type { AwsClusterSettings } from '@gitops/settings';
import { requireCredentials } from '../credentials.ts';
import { clusterNamed, requiredClusterOption } from '../workspace.ts';
import { require } from './programs.ts';

export default command({
  summary: 'add a cluster to your kubeconfig and make it the current context',
  options: { cluster: requiredClusterOption },
  run: async ({ options, print }) => {
    requireCredentials();
    await writeKubeconfig(clusterNamed(options.cluster));
    print(`kubectl talks to ${options.cluster} now; \`kubectl config use-context NAME\` switches to another cluster`);
  },
});

/**
 * Adds a cluster to the kubeconfig of whoever calls it, as a context of the cluster's name, and makes it the current
 * one.
 * @param file another kubeconfig than the user's own
 */
export async function writeKubeconfig(
  { name, region }: Pick<AwsClusterSettings, 'name' | 'region'>,
  file?: string,
): Promise<void> {
  await require('aws', [
    'eks',
    'update-kubeconfig',
    '--name',
    name,
    '--region',
    region,
    '--alias',
    name,
    ...(file === undefined ? [] : ['--kubeconfig', file]),
  ], `is the cluster there, and may you see it? \`aws eks describe-cluster --name ${name} --region ${region}\` says so; clusters/${name}/cluster.yaml has the roles that may enter under api`);
}
