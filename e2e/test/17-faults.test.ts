import t from 'tap';
import { imageFile } from '@gitops/delivery/image-file';
import { isSettled } from '@gitops/local';
import { handBack, strikeRollback, strikeSync, withImage } from '../src/fault-drill.ts';
import type { Combination } from '../src/fault-moments.ts';
import { APP, Stack, until } from '../src/stack.ts';

// A sample of what `make bench` does: a component is killed in the middle of a deployment or of a rollback, and started
// again by `make up`.

const stack = await Stack.open();
let number = 0;

/** An image that no registry has: the pods of this stack are simulated. */
function nextImage(): string {
  number += 1;
  const digest = `${number}`.padStart(64, '17');
  return `registry.internal/${APP}:17.${number}.0@sha256:${digest}`;
}

let release = { reference: nextImage(), commit: '' };

t.before(async () => {
  const push = await stack.push('The first image', {
    [imageFile('local', APP)]: withImage(release.reference),
  });
  await stack.delivered(push);
  release = { ...release, commit: push.commit };
});

const atRest = async (): Promise<true> =>
  until('the service at rest', async () => (isSettled(await stack.application()) ? true : undefined), 120_000);

/** What is struck during a deployment, and what during the rollback of it. */
const PAIRS: readonly (readonly [sync: Omit<Combination, 'action'>, rollback: Omit<Combination, 'action'>])[] = [
  // The webhook of the push is lost; the answer to the rollback is.
  [
    { fault: 'server', moment: 'call' },
    { fault: 'server', moment: 'call' },
  ],
  // An operation without its controller.
  [
    { fault: 'application controller', moment: 'applying' },
    { fault: 'application controller', moment: 'rendering' },
  ],
  // What is read for it is away.
  [
    { fault: 'repo-server', moment: 'rendering' },
    { fault: 'Git', moment: 'call' },
  ],
  // Where its state is kept is away.
  [
    { fault: 'etcd', moment: 'applying' },
    { fault: 'control plane', moment: 'health' },
  ],
  [
    { fault: 'Redis emptied', moment: 'rendering' },
    { fault: 'all of Argo CD', moment: 'applying' },
  ],
];

for (const [sync, rollback] of PAIRS) {
  let reference = '';
  let commit = '';
  t.test(`${sync.fault}, a deployment, ${sync.moment}`, async (t) => {
    reference = nextImage();
    const outcome = await strikeSync(stack, { action: 'sync', ...sync }, reference);
    t.same(outcome.wrong, []);
    ({ commit } = outcome);
  });
  t.test(`${rollback.fault}, a rollback, ${rollback.moment}`, async (t) => {
    const outcome = await strikeRollback(stack, { action: 'rollback', ...rollback }, release);
    t.same(outcome.wrong, []);
    await handBack(stack);
    await atRest();
    release = { reference, commit };
  });
}
