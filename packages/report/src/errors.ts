/** What a program's exit code means; the same for every program of the repository. */
export const EXIT = {
  success: 0,
  /** The command ran and failed, or found problems. */
  failure: 1,
  /** The command line is wrong; nothing was done. */
  usage: 2,
  SIGINT: 130,
  SIGTERM: 143,
} as const;

/** A failure that the user can act on: what happened, one line for each problem, and one line with the next step. */
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

/** The command line is wrong: an unknown command, option, variable or value. Nothing was done. */
export class UsageError extends CommandError {}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Writes a failure to standard error, `error:` for each problem and `next:` for what to do.
 *
 * @param next the advice for a failure without its own
 * @returns the exit code
 */
export function reportFailure(error: unknown, next: string): number {
  // Ctrl-C at a prompt.
  if (error instanceof Error && error.name === 'AbortError') {
    process.stderr.write('\ninterrupted\n');
    return EXIT.SIGINT;
  }
  const { problems, next: advice } = error instanceof CommandError ? error : { problems: [messageOf(error)], next };
  process.stderr.write(`${problems.map((problem) => `error: ${problem}\n`).join('')} next: ${advice}\n`);
  return error instanceof UsageError ? EXIT.usage : EXIT.failure;
}
