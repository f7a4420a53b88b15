import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterEnvironment } from '@gitops/local';
import { APP, type Deployment, isRolledOut, type Stack } from '../src/stack.ts';

/** The service's Deployment, followed without polling. */
export interface FollowedDeployment {
  /** Waits until a rollout to this image is complete. Throws after 60 s. */
  rolledOut(image: string): Promise<void>;
  end(): void;
}

export function followDeployment(stack: Stack): FollowedDeployment {
  const args = ['-n', APP, 'get', 'deployment', APP, '-o', 'json', '--watch'];
  const child = spawn(join(stack.tools.bin, 'kubectl'), args, {
    env: clusterEnvironment(stack.instance, stack.tools),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  let latest: Deployment | undefined;
  let changed = Promise.withResolvers<null>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    // kubectl writes one indented object after the other.
    for (let end = text.indexOf('\n}\n'); end !== -1; end = text.indexOf('\n}\n')) {
      latest = JSON.parse(text.slice(0, end + 2)) as Deployment;
      text = text.slice(end + 3);
      changed.resolve(null);
    }
  });
  return {
    async rolledOut(image) {
      const late = sleep(60_000, undefined, { ref: false }).then(() => {
        throw new Error(`the rollout to ${image} is not complete after 60 s: ${JSON.stringify(latest)}`);
      });
      while (latest === undefined || !isRolledOut(latest, image)) {
        changed = Promise.withResolvers<null>();
        await Promise.race([changed.promise, late]);
      }
    },
    end: () => child.kill(),
  };
}
