import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a program answers to calls that contain `to`; of several the first that is not used up. */
export interface Answer {
  readonly program: string;
  readonly to: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
  /** How often; without a limit where left out. */
  readonly times?: number;
}

export interface FakePrograms {
  /** For a PATH that has nothing else. */
  readonly folder: string;
  /** Every call so far, as one would type it. */
  calls(): string[];
}

const program = join(import.meta.dirname, 'fake-program.mjs');

/**
 * Programs that write down how they were called, and answer with nothing and success unless another answer is given.
 * `docker buildx build` also writes the metadata file that it is asked for.
 */
export function fakePrograms(
  folder: string,
  programs: readonly string[],
  answers: readonly Answer[] = [],
): FakePrograms {
  mkdirSync(folder, { recursive: true });
  const log = join(folder, 'calls.log');
  writeFileSync(log, '');
  const counted = answers.map((answer) => ({ ...answer, times: answer.times ?? 1e9 }));
  writeFileSync(join(folder, 'answers.json'), JSON.stringify(counted));
  for (const name of programs) {
    const file = join(folder, name);
    // Without the hook that tap adds to every Node.js: it takes several times as long as the program.
    writeFileSync(
      file,
      `#!/bin/sh\nunset NODE_OPTIONS\nexec '${process.execPath}' '${program}' '${folder}' '${name}' "$@"\n`,
    );
    chmodSync(file, 0o755);
  }
  return {
    folder,
    calls: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
  };
}
