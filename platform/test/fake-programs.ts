import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a program answers to calls whose arguments fit; the first answer that fits and is not used up is given. */
export interface Answer {
  readonly program: string;
  readonly to: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
  /** How often; for ever where left out. */
  readonly times?: number;
}

export interface FakePrograms {
  /** For a PATH that has nothing else. */
  readonly folder: string;
  /** Every call so far, as one would type it. */
  calls(): string[];
}

/**
 * Programs that write down how they were called and answer as they are told; by default with nothing, and success.
 * `docker buildx build` also writes the metadata file that it is asked for.
 */
export function fakePrograms(
  folder: string,
  programs: readonly string[],
  answers: readonly Answer[] = [],
): FakePrograms {
  mkdirSync(folder, { recursive: true });
  const [log, script] = [join(folder, 'calls.log'), join(folder, 'answers.json')];
  writeFileSync(log, '');
  writeFileSync(script, JSON.stringify(answers.map((answer) => ({ ...answer, times: answer.times ?? 1e9 }))));
  for (const name of programs) {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${file}.mjs' "$@"\n`);
    chmodSync(file, 0o755);
    writeFileSync(
      `${file}.mjs`,
      `import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
const args = process.argv.slice(2);
const call = [${JSON.stringify(name)}, ...args].join(' ');
appendFileSync(${JSON.stringify(log)}, call + '\\n');
const answers = JSON.parse(readFileSync(${JSON.stringify(script)}, 'utf8'));
const answer = answers.find((candidate) => candidate.program === ${JSON.stringify(name)} && call.includes(candidate.to) && candidate.times > 0);
if (answer) {
  answer.times -= 1;
  writeFileSync(${JSON.stringify(script)}, JSON.stringify(answers));
}
const metadata = args[args.indexOf('--metadata-file') + 1];
if (args.includes('--metadata-file')) writeFileSync(metadata, JSON.stringify({ 'containerimage.digest': 'sha256:${'0'.repeat(64)}' }));
process.stdout.write(answer?.stdout ?? '');
process.stderr.write(answer?.stderr ?? '');
process.exitCode = answer?.code ?? 0;
`,
    );
  }
  return {
    folder,
    calls: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
  };
}
