import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A running program that answers requests: JSON, one a line, each answer with the id of its request. */
export interface Program<Answer> {
  /** Sends a request and waits for its answer, in any order. Throws an Error once the program has ended. */
  ask(request: object): Promise<Answer>;
  /** Ends the program once all is answered. */
  close(): Promise<void>;
}

/**
 * Starts such a program.
 * @param environment all of it: nothing else is passed on
 * @param received called with every answer as it comes in, before anybody gets it
 */
export function startProgram<Answer extends object>(
  path: string,
  environment: NodeJS.ProcessEnv,
  received: (answer: Answer) => void,
): Program<Answer> {
  const child = spawn(path, [], { stdio: ['pipe', 'pipe', 'pipe'], env: environment });
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();
  let lastId = 0;
  let end: Error | undefined;
  const fail = (error: Error): void => {
    end = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  let errorOutput = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errorOutput = (errorOutput + text).slice(-2000)));
  child.stdin.on('error', () => undefined); // reported when the program ends
  child.on('error', fail);
  child.on('close', (code) => {
    fail(new Error(`${path} ended with ${String(code)}: ${errorOutput.trim()}`));
  });
  const ended = once(child, 'close').catch(() => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, ...answer } = JSON.parse(line) as Answer & { readonly id: number };
    received(answer as unknown as Answer);
    waiting.get(id)?.resolve(answer as unknown as Answer);
    waiting.delete(id);
  });
  return {
    ask: async (request) => {
      if (end !== undefined) throw end;
      const answer = Promise.withResolvers<Answer>();
      lastId += 1;
      waiting.set(lastId, answer);
      child.stdin.write(`${JSON.stringify({ id: lastId, ...request })}\n`);
      return answer.promise;
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
