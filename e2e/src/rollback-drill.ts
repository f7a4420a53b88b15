import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { APP, type Stack } from './stack.ts';

export const IMAGE_FILE = 'clusters/local/fastify-service.image.yaml';

type Edits = Record<string, (text: string) => string | undefined>;

export const withTag =
  (tag: string) =>
  (text: string): string =>
    text.replace(/tag: .*/, `tag: "${tag}"`);

/** What drills of rollbacks do with the running stack. */
export function rollbackDrill(stack: Stack): {
  /** A release as CI makes it, but without building an image: simulated pods run any. */
  release: (tag: string, more?: Edits) => Promise<string>;
  /** The ids of the history, the oldest first. */
  ids: () => Promise<number[]>;
  /** A command that must succeed; its output. */
  make: (t: Test, ...args: string[]) => Promise<string>;
  /** Long enough for self-heal (its first backoff is 2 s) and for what the controllers do by themselves. */
  stays: (t: Test, image: string, after: string) => Promise<void>;
} {
  return {
    release: async (tag, more = {}) => {
      await stack.delivered(await stack.push(`Release ${tag}`, { [IMAGE_FILE]: withTag(tag), ...more }));
      return stack.image();
    },
    ids: async () => ((await stack.application(APP)).status?.history ?? []).map(({ id }) => id).sort((a, b) => a - b),
    make: async (t, ...args) => {
      const { code, stdout, stderr } = await stack.make(...args);
      t.equal(code, 0, `make ${args.join(' ')}: ${stderr}`);
      return stdout;
    },
    stays: async (t, image, after) => {
      await sleep(4000);
      t.equal(await stack.image(), image, `the old image stays ${after}`);
    },
  };
}
