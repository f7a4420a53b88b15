/**
 * A failure that the person at the keyboard can do something about: what happened, in one line or one for each problem,
 * and one line that says what to do next.
 */
export class CommandError extends Error {
  readonly problems: readonly string[];
  readonly next: string;

  constructor(problem: string | readonly string[], next: string) {
    const problems = typeof problem === 'string' ? [problem] : problem;
    super(problems.join('\n'));
    this.name = 'CommandError';
    this.problems = problems;
    this.next = next;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Runs a command line to its end. A failure becomes lines on standard error, `error:` for what happened and `next:` for
 * what to do, and the exit code 1.
 *
 * @param next the advice for a failure that brings none of its own
 */
export async function runCommand(main: () => Promise<void>, next: string): Promise<void> {
  // Whoever reads the answer may stop early (`render | head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  try {
    await main();
  } catch (error) {
    const problems = error instanceof CommandError ? error.problems : [messageOf(error)];
    const isUsage = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
    const advice = error instanceof CommandError ? error.next : isUsage ? '--help lists commands and options' : next;
    process.stderr.write(`${problems.map((problem) => `error: ${problem}`).join('\n')}\n next: ${advice}\n`);
    process.exitCode = 1;
  }
}
