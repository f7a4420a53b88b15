import { join } from 'node:path';
import { run } from '@gitops/tools/run';
import type { Tools } from '@gitops/tools/tools';
import { kwokFolder } from './components.ts';
import { type Instance, statePath } from './instance.ts';
import { INSTANCE_VARIABLE } from './process.ts';

/** The kubeconfig of the cluster's administrator. */
export const kubeconfigPath = (instance: Instance): string => statePath(instance, 'kubeconfig');

/** The environment in which kwokctl, kubectl and helm work on this cluster. */
export function clusterEnvironment(instance: Instance, tools: Tools): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${tools.bin}:${process.env.PATH ?? ''}`,
    KUBECONFIG: kubeconfigPath(instance),
    KWOK_WORKDIR: kwokFolder(instance),
    [INSTANCE_VARIABLE]: instance.dir,
  };
}

/** Runs kubectl as the cluster's administrator. Throws RunError. */
export async function kubectl(
  instance: Instance,
  tools: Tools,
  args: readonly string[],
  input?: string,
): Promise<string> {
  return run(join(tools.bin, 'kubectl'), args, {
    env: clusterEnvironment(instance, tools),
    ...(input === undefined ? {} : { input }),
  });
}

/** Applies objects on the server's side, which has no limit to their size. */
export async function apply(instance: Instance, tools: Tools, objects: readonly object[]): Promise<void> {
  await applyManifests(instance, tools, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
}

/** The same for manifests, as YAML or JSON. */
export async function applyManifests(instance: Instance, tools: Tools, manifests: string): Promise<void> {
  const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=packages-local', '-f', '-'];
  await kubectl(instance, tools, args, manifests);
}
