import { UsageError } from './errors.ts';
import { didYouMean } from './nearest.ts';

/**
 * An option of a command. It is given as `--name VALUE`, or as the variable NAME by make or the environment; the
 * command line has precedence. An empty variable counts as not given.
 */
export interface Option<T = unknown> {
  readonly summary: string;
  /** The placeholder of the value in help; undefined for a switch, which is given as `--name` or `--no-name`. */
  readonly placeholder: string | undefined;
  readonly isRequired: boolean;
  /** Whether the value may be given without `--name`. */
  readonly isArgument: boolean;
  /** A valid value, for a message that asks for one. */
  readonly example: string | undefined;
  /** The values that are allowed, where they can be listed. */
  readonly allowed: () => readonly string[] | undefined;
  /** The rule that a given text breaks; undefined where it is valid. */
  readonly problem: (text: string) => string | undefined;
  /** The value of a valid text, and the value where the option is not given. */
  readonly value: (text: string | undefined) => T;
}

export type Options = Readonly<Record<string, Option>>;

/** The values that a command gets for its options. */
export type Values<O extends Options> = { readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never };

interface Details {
  readonly placeholder?: string;
  readonly isArgument?: boolean;
  readonly example?: string;
}

interface TextDetails extends Details {
  /** The rule that a text breaks; undefined where it is valid. */
  readonly problem?: (text: string) => string | undefined;
}

interface Required {
  readonly isRequired: true;
}

const unlisted = (): undefined => undefined;
const anything = (): undefined => undefined;

function option<T>(
  summary: string,
  { placeholder, isArgument = false, isRequired, example }: Details & Partial<Required>,
  { allowed = unlisted, problem, value }: Pick<Option<T>, 'problem' | 'value'> & Partial<Pick<Option, 'allowed'>>,
): Option<T> {
  return { summary, placeholder, isRequired: isRequired ?? false, isArgument, example, allowed, problem, value };
}

/** A text. */
export function text(summary: string, details: TextDetails & Required): Option<string>;
export function text(summary: string, details?: TextDetails): Option<string | undefined>;
export function text(
  summary: string,
  { problem = anything, ...details }: TextDetails & Partial<Required> = {},
): Option<string | undefined> {
  return option(summary, { placeholder: 'TEXT', ...details }, { problem, value: (given) => given });
}

/**
 * One of some values.
 * @param values the values; a function is called only when a value is given, or missing though required
 */
export function choice<const V extends string>(
  summary: string,
  values: readonly V[] | (() => readonly V[]),
  details: Details & Required,
): Option<V>;
export function choice<const V extends string>(
  summary: string,
  values: readonly V[] | (() => readonly V[]),
  details?: Details,
): Option<V | undefined>;
export function choice<const V extends string>(
  summary: string,
  values: readonly V[] | (() => readonly V[]),
  details: Details & Partial<Required> = {},
): Option<V | undefined> {
  const allowed = (): readonly V[] => (typeof values === 'function' ? values() : values);
  return option<V | undefined>(
    summary,
    { placeholder: 'NAME', ...details },
    {
      allowed,
      problem: (given) => {
        const names = allowed();
        if (names.some((name) => name === given)) return undefined;
        return `unknown value ${JSON.stringify(given)}${didYouMean(given, names)}`;
      },
      value: (given) => (given === undefined ? undefined : allowed().find((name) => name === given)),
    },
  );
}

interface Range {
  readonly least?: number;
  readonly most?: number;
}

/** A whole number within bounds, from 0 up by default. */
export function integer(summary: string, details: Details & Range & Required): Option<number>;
export function integer(summary: string, details?: Details & Range): Option<number | undefined>;
export function integer(
  summary: string,
  { least = 0, most = Number.MAX_SAFE_INTEGER, ...details }: Details & Range & Partial<Required> = {},
): Option<number | undefined> {
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} up` : `from ${least} to ${most}`;
  return option(
    summary,
    { placeholder: 'NUMBER', ...details },
    {
      problem: (given) => {
        const isValid = /^-?\d+$/.test(given) && Number(given) >= least && Number(given) <= most;
        return isValid ? undefined : `must be a whole number ${range} (it is ${JSON.stringify(given)})`;
      },
      value: (given) => (given === undefined ? undefined : Number(given)),
    },
  );
}

const ON = ['yes', 'true', '1'];
const OFF = ['no', 'false', '0'];

/** Something that is off until it is switched on. */
export function flag(summary: string): Option<boolean> {
  return option(
    summary,
    {},
    {
      problem: (given) =>
        [...ON, ...OFF].includes(given) ? undefined : `must be yes or no (it is ${JSON.stringify(given)})`,
      value: (given) => given !== undefined && ON.includes(given),
    },
  );
}

/** `lostMachine` as on a command line: --lost-machine. */
export const optionOf = (name: string): string =>
  `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** `lostMachine` as make and the environment spell it: LOST_MACHINE. */
export const variableOf = (name: string): string => optionOf(name).slice(2).replaceAll('-', '_').toUpperCase();

/**
 * The values of a command's options: from its command line, or else from the variables of the same names.
 * Throws UsageError with everything that is missing or invalid.
 */
export function valuesOf<O extends Options>(
  command: string,
  options: O,
  texts: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv,
): Values<O> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  const advice = new Set<string>();
  for (const [key, option] of Object.entries(options)) {
    const [name, variable] = [optionOf(key), variableOf(key)];
    // make exports unset variables as empty ones.
    const fromEnvironment = env[variable] === '' ? undefined : env[variable];
    const given = texts[key] ?? fromEnvironment;
    const problem = problemOf(option, given);
    if (problem === undefined) {
      values[key] = option.value(given);
      continue;
    }
    const label = texts[key] === undefined ? variable : name;
    problems.push(given === undefined ? `${variable} (${name}) ${problem}` : `${label}: ${problem}`);
    advice.add(adviceOn(option, label, given === undefined) ?? `\`${command} --help\` lists its options`);
  }
  if (problems.length > 0) throw new UsageError(problems, [...advice].join('; '));
  return values as Values<O>;
}

function problemOf(option: Option, given: string | undefined): string | undefined {
  if (given === undefined) return option.isRequired ? 'is missing' : undefined;
  return given === '' ? 'is empty' : option.problem(given);
}

function adviceOn({ allowed, example, summary }: Option, label: string, isMissing: boolean): string | undefined {
  const names = allowed();
  if (names !== undefined) return `${label} is one of: ${names.join(', ')}`;
  if (example !== undefined) return `for instance ${label}${label.startsWith('-') ? ' ' : '='}${example}`;
  return isMissing ? `${label}: ${summary}` : undefined;
}
