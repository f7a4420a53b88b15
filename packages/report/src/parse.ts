import { Command as Parser, CommanderError, Option as ParserOption } from 'commander';
import type { Command, Program } from './command-line.ts';
import { UsageError } from './errors.ts';
import { type Option, optionOf, variableOf } from './options.ts';

const HELP = ['-h', '--help'];
// Where the output is no terminal.
const HELP_WIDTH = 120;

export const isHelp = (argument: string): boolean => HELP.includes(argument);

/** The content of a command line. */
export interface Given {
  /** By option; `yes` or `no` for a switch. */
  readonly texts: Readonly<Record<string, string>>;
  readonly json: boolean;
}

/** Parses the command line of one command; undefined where that printed its help. Throws UsageError. */
export function parse(
  program: Program,
  name: string,
  declaration: Command,
  args: readonly string[],
): Given | undefined {
  const next = `\`${name} --help\` lists its options`;
  const parser = parserOf(program, name, declaration);
  try {
    parser.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new UsageError(usageProblem(error, name, declaration), next);
  }
  const { json = false, ...given } = parser.opts<Record<string, string | boolean>>();
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(given)) {
    if (typeof value === 'string') texts[key] = value;
    else texts[key] = value ? 'yes' : 'no';
  }
  const rest = [...parser.args];
  const argument = Object.keys(declaration.options).find((key) => declaration.options[key]?.isArgument);
  if (argument !== undefined && texts[argument] === undefined && rest[0] !== undefined)
    texts[argument] = rest.shift() ?? '';
  if (rest[0] !== undefined) throw new UsageError(`${name} takes no argument ${JSON.stringify(rest[0])}`, next);
  return { texts, json: json === true };
}

function parserOf({ file, environment }: Program, name: string, { summary, options }: Command): Parser {
  const parser = new Parser(`node ${file} ${name}`)
    .description(summary)
    .helpOption(HELP.join(', '), 'this text')
    .exitOverride()
    .configureOutput({ outputError: () => undefined, getOutHelpWidth: () => process.stdout.columns || HELP_WIDTH })
    .allowExcessArguments();
  for (const [key, option] of Object.entries(options)) addOption(parser, key, option);
  parser.option('--json', 'the result as JSON on standard output');
  if (environment !== undefined) parser.addHelpText('after', `\n${environmentHelp(environment)}`);
  return parser;
}

function addOption(parser: Parser, key: string, { summary, placeholder, isArgument, isRequired }: Option): void {
  const [name, variable] = [optionOf(key), variableOf(key)];
  if (placeholder === undefined) {
    parser.addOption(new ParserOption(name, `${summary} (make: ${variable}=yes)`));
    parser.addOption(new ParserOption(name.replace('--', '--no-'), `the opposite; overrides ${variable}`));
    return;
  }
  const required = isRequired ? ', required' : '';
  parser.addOption(
    new ParserOption(`${name} <${placeholder}>`, `${summary} (make: ${variable}=${placeholder}${required})`),
  );
  if (isArgument) parser.argument(`[${placeholder}]`, `the same as ${name}`);
}

/** What is wrong with a command line, from commander's message. */
function usageProblem({ code, message }: CommanderError, name: string, { without = {} }: Command): string {
  const [problem = '', hint = ''] = message
    .replace(/^error: /, '')
    .replaceAll("'", '')
    .split('\n');
  const [option = ''] = /--[^\s=]+/.exec(problem) ?? [];
  if (code === 'commander.optionMissingArgument') return `${option} needs a value`;
  const [, reason] = Object.entries(without).find(([key]) => optionOf(key) === option) ?? [];
  if (reason !== undefined) return `${name} takes no ${option}; ${reason}`;
  const [, meant] = /\(Did you mean (.*)\?\)/.exec(hint) ?? [];
  return meant === undefined ? problem : `${problem}; did you mean ${meant}?`;
}

/** What `--help` prints of a program. */
export async function programHelp({ file, summary, commands, environment }: Program): Promise<string> {
  const rows: [string, string][] = [];
  for (const [name, load] of Object.entries(commands)) rows.push([name, (await load()).default.summary]);
  return [
    `Usage: node ${file} COMMAND [options]`,
    '',
    summary,
    '',
    'Commands:',
    columns(rows),
    '',
    'COMMAND --help lists the options of a command. Each takes --json.',
    ...(environment === undefined ? [] : ['', environmentHelp(environment)]),
  ].join('\n');
}

const environmentHelp = (environment: Readonly<Record<string, string>>): string =>
  `Environment:\n${columns(Object.entries(environment))}`;

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`).join('\n');
}
