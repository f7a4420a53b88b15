import { command } from '@gitops/report/command-line';
import { requireCredentials } from '../credentials.ts';
import { clusterNamed, requiredClusterOption } from '../workspace.ts';
import { callProgram } from './programs.ts';

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
 * Adds a cluster to the caller's kubeconfig, as a context of the cluster's name, and makes it the current one.
 * @param file another kubeconfig than the user's own
 */
export async function writeKubeconfig(
  { name, region }: { readonly name: string; readonly region: string },
  file?: string,
): Promise<void> {
  const target = file === undefined ? [] : ['--kubeconfig', file];
  await callProgram(
    'aws',
    ['eks', 'update-kubeconfig', '--name', name, '--region', region, '--alias', name, ...target],
    {
      next:
        `does the cluster exist, and are you allowed to describe it (\`aws eks describe-cluster --name ${name} ` +
        `--region ${region}\`)? The roles with access are under api in clusters/${name}/cluster.yaml`,
    },
  );
}
