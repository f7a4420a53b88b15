import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { table } from '@gitops/report/table';
import { Copy, deleteCopy } from '../src/copy.ts';
import { machineLoad } from '../src/machine-load.ts';
import { BROKEN_KEEP_ALIVE, type BrokenNumber, NUMBERS } from '../src/shutdown-numbers.ts';
import { Stack, until } from '../src/stack.ts';
import { atRest } from '../src/under-load.ts';

const stack = await Stack.open();

/** Requests per second to a copy. */
const RATE = 20;
/** Each second one client needs so many seconds to send a request. */
const UPLOAD_SECONDS = 8;
/** Connections that are idle at the same time, in the drill of the idle timeout. */
const CONNECTIONS = 20;

/** Calls something again and again until it is ended, and waits for all calls then. */
function every(milliseconds: number, call: () => Promise<void>): () => Promise<void> {
  const calls: Promise<void>[] = [];
  const timer = setInterval(() => {
    calls.push(call());
  }, milliseconds);
  return async () => {
    clearInterval(timer);
    await Promise.all(calls);
  };
}

/** A rollout, and requests from before it until its old pod is gone: quick ones, and uploads that last. */
async function rollUnderLoad(copy: Copy, { rate = RATE, hasUploads = false }: BrokenNumber): Promise<void> {
  const stops = [every(1000 / rate, async () => copy.ask())];
  if (hasUploads) stops.push(every(1000, async () => copy.ask({ uploadSeconds: UPLOAD_SECONDS })));
  try {
    await sleep(1000);
    await copy.rollOut();
    await atRest(stack, copy.name);
  } finally {
    for (const stop of stops) await stop();
  }
}

/** Requests on connections that were idle for about as long as the service keeps them. */
async function useIdleConnections(copy: Copy, isOver: () => boolean): Promise<void> {
  for (let round = 0; !isOver() || round < 40; round += 1) {
    await Promise.all(Array.from({ length: CONNECTIONS }, async () => copy.ask()));
    await sleep(BROKEN_KEEP_ALIVE - 8 + (round % 12));
  }
}

t.test('each number of the shutdown arithmetic, broken, loses requests in a rollout', async (t) => {
  t.teardown(async () => Promise.all(NUMBERS.map(async ({ name }) => deleteCopy(stack, name))));
  const copies = await Promise.all(
    NUMBERS.map(async (number) => ({ number, copy: await Copy.create(stack, number.name, number.change) })),
  );
  for (const { copy } of copies) {
    await atRest(stack, copy.name);
    await until(`${copy.name} is a healthy target`, async () => ((await copy.isHealthy()) ? true : undefined));
  }
  let isOver = false;
  const idle = copies.filter(({ number }) => number.isIdle === true);
  const idleEnd = Promise.all(idle.map(async ({ copy }) => useIdleConnections(copy, () => isOver)));
  // Pods from before the Ingress have no readiness gate; those of the rollout do.
  const rolled = copies.filter(({ number }) => number.isIdle !== true);
  await Promise.all(rolled.map(async ({ number, copy }) => rollUnderLoad(copy, number)));
  isOver = true;
  await idleEnd;

  const rows = copies.map(({ number: { number, right, broken, covered = '' }, copy: { counted } }) => [
    number,
    right,
    broken,
    `${counted.lost} of ${counted.requests}`,
    Object.entries(counted.answers)
      .map(([answer, count]) => `${count} × ${answer}`)
      .join(', '),
    covered,
  ]);
  t.comment(
    `${table(['NUMBER', 'RIGHT', 'BROKEN', 'LOST', 'ANSWERED', 'WHY NONE'], rows)}\nload of the machine: ${machineLoad()}`,
  );
  for (const {
    number: { name, number, broken, covered, isIdle = false },
    copy: { counted },
  } of copies)
    if (covered === undefined)
      t.ok(isIdle ? (counted.answers[502] ?? 0) > 0 : counted.lost > 0, `${name}: ${number} ${broken} loses requests`);
    else t.same(counted.answers, {}, `${name}: none is lost, since ${covered}`);
});
