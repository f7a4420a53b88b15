import { stripVTControlCharacters } from 'node:util';

/** A test whose output is open, by its indentation. */
interface Scope {
  readonly indent: number;
  readonly name: string;
  /** How many failures were found before it began. */
  readonly failuresBefore: number;
}

// tap prints the name of a test before its assertions, either as a comment or, where it ran beside others, with a brace.
const LINE = /^(?:(?<task>\S+:[a-z]+): )?(?<indent> *)(?:# Subtest: (?<opened>.*)|(?<not>not )?ok \d+ - (?<name>.*))$/;
/** What tap knows about a failed assertion follows it as YAML, between these. */
const DETAILS_BEGIN = /^ *---$/;
const DETAILS_END = /^ *\.\.\.$/;
/** Whole objects are compared: what differs first says most. */
const DETAIL_LINES = 12;
const TIME = / # time=[\d.]+ms/;
const FAILED_TASKS = /^ *Failed: +(.*)$/gm;

/**
 * What failed in a run, from the output of tap, by itself or below Turborepo: for each assertion the package, the file and
 * the names of its tests, `@gitops/e2e test/03-rollback.test.ts > a rollback stays > old image`; then the tasks that failed
 * without one, `@gitops/e2e:lint`. Lines with what was found and expected follow an assertion, indented.
 */
export function failuresOf(output: string): string[] {
  const failures: string[] = [];
  let scopes: Scope[] = [];
  let lastTask: string | undefined;
  const text = stripVTControlCharacters(output);
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const { task, indent = '', opened, not, name: rest = '' } = LINE.exec(line)?.groups ?? {};
    if (opened === undefined && rest === '') continue;
    if (task !== lastTask) scopes = [];
    lastTask = task;
    const isOpening = rest.endsWith(' {');
    const name = opened ?? rest.replace(/ \{$/, '').replace(TIME, '');
    const ended = scopes.find((scope) => scope.indent === indent.length && scope.name === name);
    scopes = scopes.filter((scope) => scope.indent < indent.length);
    if (opened !== undefined || isOpening)
      scopes.push({ indent: indent.length, name, failuresBefore: failures.length });
    // The line of a whole test says nothing new where an assertion in it failed.
    if (not === undefined || isOpening || (ended !== undefined && failures.length > ended.failuresBefore)) continue;
    const title = [packageOf(task), [...scopes.map((scope) => scope.name), name].join(' > ')].join(' ').trim();
    failures.push([title, ...detailsAt(lines.slice(index + 1, index + 200), task)].join('\n'));
  }
  const tasks = [...text.matchAll(FAILED_TASKS)].flatMap(([, names = '']) => names.split(', '));
  const silent = tasks.filter((task) => !failures.some((failure) => failure.startsWith(`${packageOf(task)} `)));
  return [...failures, ...silent.map((task) => task.trim().replace('#', ':'))];
}

/** What tap says about the failed assertion before these lines, without its stack and source. */
function detailsAt(lines: readonly string[], task: string | undefined): string[] {
  const own = lines.map((line) => (task === undefined ? line : line.replace(`${task}: `, '')));
  const [first = '', ...rest] = own;
  if (!DETAILS_BEGIN.test(first)) return [];
  const indent = first.indexOf('-');
  const details: string[] = [];
  let isKept = true;
  for (const line of rest.slice(
    0,
    rest.findIndex((other) => DETAILS_END.test(other)),
  )) {
    const key = /^\w+(?=:)/.exec(line.slice(indent))?.[0];
    if (key !== undefined) isKept = !['stack', 'source', 'at'].includes(key);
    if (isKept) details.push(`    ${line.slice(indent)}`);
  }
  return details.length > DETAIL_LINES ? [...details.slice(0, DETAIL_LINES), '    …'] : details;
}

/** @gitops/e2e of `@gitops/e2e:life` and of `@gitops/e2e#life`. */
const packageOf = (task = ''): string => task.replace(/[:#][a-z]+$/, '');
