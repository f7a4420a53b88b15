import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { clusterEnvironment } from '@gitops/local';
import { APP, type Stack } from './stack.ts';

/**
 * Follows objects without polling, in the service's namespace unless the arguments name another.
 * @param args what to get, as for `kubectl get`
 * @param onObject called with each object as it is now, and after each change
 * @returns a function that ends it
 */
export function follow(stack: Stack, args: readonly string[], onObject: (object: unknown) => void): () => void {
  const child = spawn(join(stack.tools.bin, 'kubectl'), ['-n', APP, 'get', ...args, '-o', 'json', '--watch'], {
    env: clusterEnvironment(stack.instance, stack.tools),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    // kubectl writes one indented object after the other.
    for (let end = text.indexOf('\n}\n'); end !== -1; end = text.indexOf('\n}\n')) {
      onObject(JSON.parse(text.slice(0, end + 2)));
      text = text.slice(end + 3);
    }
  });
  return () => child.kill();
}
