import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { processes } from '@gitops/local';
import { containerOf, isReady, NAMESPACE, podNamed, podOf, podUntil, processesOf } from './faults.ts';
import { type Stack, succeed, until } from './stack.ts';

/** Kills the node agents of a stack, as a crash or a lack of memory would. */
export function killAgents({ instance, ports }: Stack, ...nodes: readonly string[]): void {
  for (const { name, pid } of processes(instance, ports))
    if (nodes.some((node) => name === `node-agent-${node}`) && pid !== undefined) process.kill(pid, 'SIGKILL');
}

/**
 * Kills both agents while a pod starts and another one ends; `make up` brings them back.
 * @param image of a service that takes a second to start
 * @param milliseconds from the two commands to the kill
 */
export async function killWhilePodsChange(
  t: Pick<Test, 'match' | 'equal' | 'throws' | 'type'>,
  stack: Stack,
  image: string,
  milliseconds: number,
): Promise<void> {
  const unique = `${milliseconds}-${Date.now().toString(36)}`;
  const [starting, ending] = [`starting-${unique}`, `ending-${unique}`];
  const preStop = { lifecycle: { preStop: { sleep: { seconds: 2 } } } };
  await stack.create(podOf(ending, containerOf(image, preStop), { nodeName: 'machine-a' }));
  const [endingPid] = processesOf(stack.instance, await podUntil(stack, ending, isReady));
  t.type(endingPid, 'number');
  await stack.kubectl('-n', NAMESPACE, 'delete', 'pod', ending, '--wait=false');
  await stack.create(podOf(starting, containerOf(image), { nodeName: 'machine-a' }));
  await sleep(milliseconds);
  killAgents(stack, 'machine-a', 'machine-b');
  await succeed(stack.instance.dir, ['up']);

  const pod = await podUntil(stack, starting, isReady);
  t.match(pod, { status: { containerStatuses: [{ restartCount: 0 }] } }, `${milliseconds} ms: not restarted`);
  t.equal(processesOf(stack.instance, pod).length, 1, 'one process');
  const log = await stack.kubectl('-n', NAMESPACE, 'logs', starting);
  t.equal(log.match(/starts$/gm)?.length, 1, 'it was started once');
  await until(`${ending} is gone`, async () => ((await podNamed(stack, ending)) === undefined ? true : undefined));
  t.throws(() => process.kill(endingPid ?? NaN, 0), { code: 'ESRCH' }, 'and its process');
}
