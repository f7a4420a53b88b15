import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Tools } from '@gitops/tools/tools';
import type { Instance } from './instance.ts';
import { clusterEnvironment } from './kubectl.ts';

/** A pod as it is now. */
export interface FollowedPod {
  readonly name: string;
  /** The image of its first container. */
  readonly image: string;
  readonly isReady: boolean;
}

// Names and images hold no spaces.
const FIELDS = '{.metadata.name} {.spec.containers[0].image} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}';

/**
 * Calls `onPod` for every pod of a namespace, and again each time one changes, without polling.
 * @returns what ends it
 */
export function followPods(
  instance: Instance,
  tools: Tools,
  namespace: string,
  onPod: (pod: FollowedPod) => void,
): () => void {
  const args = ['--namespace', namespace, 'get', 'pods', '--watch', '--output', `jsonpath=${FIELDS}`];
  const child = spawn(join(tools.bin, 'kubectl'), args, {
    env: clusterEnvironment(instance, tools),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // It only tells more about a delivery; that itself is waited for elsewhere.
  child.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [name = '', image = '', ready] = line.split(' ');
    onPod({ name, image, isReady: ready === 'True' });
  });
  const end = (): void => {
    child.kill();
  };
  process.once('exit', end);
  return () => {
    process.off('exit', end);
    end();
  };
}
