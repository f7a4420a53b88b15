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
const TIME = / # time=[\d.]+ms/;
const FAILED_TASKS = /^ *Failed: +(.*)$/gm;

/**
 * What failed in a run, from the output of tap, by itself or below Turborepo: for each assertion the package, the file and
 * the names of its tests, `@gitops/e2e test/03-rollback.test.ts > a rollback stays > old image`; then the tasks that failed
 * without one, `@gitops/e2e:lint`.
 */
export function failuresOf(output: string): string[] {
  const failures: string[] = [];
  let scopes: Scope[] = [];
  let lastTask: string | undefined;
  const text = stripVTControlCharacters(output);
  for (const line of text.split('\n')) {
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
    failures.push([packageOf(task), [...scopes.map((scope) => scope.name), name].join(' > ')].join(' ').trim());
  }
  const tasks = [...text.matchAll(FAILED_TASKS)].flatMap(([, names = '']) => names.split(', '));
  const silent = tasks.filter((task) => !failures.some((failure) => failure.startsWith(`${packageOf(task)} `)));
  return [...failures, ...silent.map((task) => task.trim().replace('#', ':'))];
}

/** @gitops/e2e of `@gitops/e2e:life` and of `@gitops/e2e#life`. */
const packageOf = (task = ''): string => task.replace(/[:#][a-z]+$/, '');
