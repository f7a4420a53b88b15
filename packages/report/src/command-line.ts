import { EXIT, reportFailure, UsageError } from './errors.ts';
import { refuseOtherVariables, variablesGivenToMake } from './make.ts';
import { didYouMean } from './nearest.ts';
import { type Options, type Values, valuesOf, variableOf } from './options.ts';
import { isHelp, parse, programHelp } from './parse.ts';

/** What a command gets. */
export interface Invocation<O extends Options = Options> {
  readonly options: Values<O>;
  /** Whether the result is wanted as JSON; every command has `--json`. */
  readonly json: boolean;
  /** Writes a line to standard output. */
  readonly print: (text: string) => void;
  /** Writes to standard error that problems were found; the exit code becomes 1, and the command continues. */
  readonly fail: (text?: string) => void;
}

/** One command of a program: what a file in `src/commands` exports. */
export interface Command<O extends Options = Options> {
  /** One line: what it does. */
  readonly summary: string;
  readonly options: O;
  /** Options of other commands that a user may expect here, each with the reason why this command does not have it. */
  readonly without?: Readonly<Record<string, string>>;
  run(invocation: Invocation<O>): Promise<void>;
}

/** Declares a command; types its `run` by its options. */
export const command = <const O extends Options>(declaration: Command<O>): Command<O> => declaration;

/** One of the repository's programs: what its `src/main.ts` lists. */
export interface Program {
  /** Its main.ts, from the root of the repository. */
  readonly file: string;
  /** One line: what it is about. */
  readonly summary: string;
  /** By name, in the order of the help text. The file of a command is loaded only when that command runs. */
  readonly commands: Readonly<Record<string, () => Promise<{ readonly default: Command }>>>;
  /** Environment variables that it reads besides options, each with what it does; `AWS_*` for all that begin so. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What to do after a failure without its own advice. */
  readonly advice?: string;
  /** What an interrupted command leaves behind. */
  readonly afterInterrupt?: string;
}

/** Runs the command line of this process to its end: sets the exit code, and ends on signals. */
export async function runProgram(program: Program): Promise<void> {
  // The reader of the output may stop early (`render | head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  let signalled: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      signalled = EXIT[signal];
      // A command that has begun to listen itself ends in its own time.
      if (process.listenerCount(signal) > listeners) return;
      const { afterInterrupt } = program;
      process.stderr.write(`\ninterrupted${afterInterrupt === undefined ? '' : `; ${afterInterrupt}`}\n`);
      process.exit(signalled);
    });
    const listeners = process.listenerCount(signal);
  }
  const env = { ...process.env };
  // The variables given to make are meant for this program, not for the programs that it starts.
  delete process.env.MAKEFLAGS;
  const code = await execute(program, process.argv.slice(2), env);
  process.exitCode = code === EXIT.failure ? (signalled ?? code) : code;
}

/**
 * Runs one command, or prints help.
 * @param env values of options by their variables, and MAKEFLAGS
 * @returns the exit code; a failure is on standard error
 */
export async function execute(program: Program, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === undefined || isHelp(name)) {
      print(await programHelp(program));
      return EXIT.success;
    }
    return await executeCommand(program, name, rest, env);
  } catch (error) {
    return reportFailure(error, program.advice ?? '--help lists commands and options');
  }
}

async function executeCommand(
  program: Program,
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const load = Object.hasOwn(program.commands, name) ? program.commands[name] : undefined;
  if (load === undefined) throw unknownCommand(name, Object.keys(program.commands));
  const { default: declaration } = await load();
  const { options, without = {} } = declaration;
  const given = parse(program, name, declaration, args);
  if (given === undefined) return EXIT.success;
  refuseOtherVariables(variablesGivenToMake(env.MAKEFLAGS), {
    command: name,
    variables: Object.keys(options).map(variableOf),
    reasons: Object.fromEntries(Object.entries(without).map(([key, reason]) => [variableOf(key), reason])),
    others: [...Object.keys(program.environment ?? {}), ...(env.MAKEFILE_VARIABLES ?? '').split(' ')],
  });
  let code: number = EXIT.success;
  await declaration.run({
    options: valuesOf(name, options, given.texts, env),
    json: given.json,
    print,
    fail: (text) => {
      if (text !== undefined) process.stderr.write(`${text}\n`);
      code = EXIT.failure;
    },
  });
  return code;
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

function unknownCommand(name: string, names: readonly string[]): UsageError {
  if (name.startsWith('-'))
    return new UsageError(`option ${name} stands before the command`, 'options follow the command');
  return new UsageError(`unknown command ${name}${didYouMean(name, names)}`, `commands: ${names.join(', ')}`);
}
