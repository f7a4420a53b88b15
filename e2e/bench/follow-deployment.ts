import { setTimeout as sleep } from 'node:timers/promises';
import { follow } from '../src/follow.ts';
import { APP, type Deployment, isRolledOut, type Stack } from '../src/stack.ts';

/** The service's Deployment, followed without polling. */
export interface FollowedDeployment {
  /** Waits until a rollout to this image is complete. Throws after 60 s. */
  rolledOut(image: string): Promise<void>;
  end(): void;
}

export function followDeployment(stack: Stack): FollowedDeployment {
  let latest: Deployment | undefined;
  let changed = Promise.withResolvers<null>();
  const end = follow(stack, ['deployment', APP], (deployment) => {
    latest = deployment as Deployment;
    changed.resolve(null);
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
    end,
  };
}
