import { UsageError } from './errors.ts';
import { didYouMean } from './nearest.ts';

/**
 * The names of the variables on make's command line, which make passes to its children in MAKEFLAGS: options of make,
 * ` -- `, then `NAME=value` with spaces escaped. Old versions of make leave ` -- ` out where there are no options.
 */
export function variablesGivenToMake(makeflags = ''): string[] {
  const words = Array.from(makeflags.matchAll(/(?:\\.|\S)+/g), ([word]) => word);
  const names = words
    .slice(words.indexOf('--') + 1)
    .map((word) => /^([A-Za-z_][\w.-]*?)(?:[+?!]|:{1,3})?=/.exec(word)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].reverse();
}

/** Variables that every make has. */
const MAKES_OWN = /^(SHELL|MAKE\w*)$/;

/** What a command may be given by make. */
export interface Accepted {
  readonly command: string;
  /** The variables of its options. */
  readonly variables: readonly string[];
  /** Why it has no such variable, for those that other commands have. */
  readonly reasons: Readonly<Record<string, string>>;
  /** Environment variables of the program and of the Makefile; a star at the end matches the rest of a name. */
  readonly others: readonly string[];
}

/**
 * Throws UsageError for variables on make's command line that a command does not have: they would otherwise be ignored
 * without a word. Variables of the shell's environment are not checked.
 */
export function refuseOtherVariables(
  given: readonly string[],
  { command, variables, reasons, others }: Accepted,
): void {
  const isAccepted = (name: string): boolean =>
    variables.includes(name) || MAKES_OWN.test(name) || others.some((other) => matches(name, other));
  const problems = given
    .filter((name) => !isAccepted(name))
    .map((name) => {
      if (reasons[name] !== undefined) return `${command} takes no ${name}; ${reasons[name]}`;
      return `${command} takes no ${name}${didYouMean(name, variables)}`;
    });
  if (problems.length === 0) return;
  throw new UsageError(
    problems,
    `${command} takes ${variables.length === 0 ? 'no variables' : variables.join(', ')}; ` +
      'environment variables go before `make`',
  );
}

const matches = (name: string, pattern: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
