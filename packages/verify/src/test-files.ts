import { stripVTControlCharacters } from 'node:util';

/** A file of tests that ran. */
export interface TestFile {
  /** `@gitops/platform test/cost.test.ts` */
  readonly name: string;
  readonly seconds: number;
}

/** The test files of a run, from the lines that tap prints when one ends, with Turborepo's name of the package before. */
export function testFilesOf(output: string): TestFile[] {
  const files: TestFile[] = [];
  for (const [, prefix = '', file = '', milliseconds = ''] of stripVTControlCharacters(output).matchAll(
    /^(?:(\S+):[a-z]+: )?(?:not )?ok \d+ - ((?:test|life|soak)\/\S+\.test\.ts) # time=([\d.]+)ms/gm,
  ))
    files.push({ name: `${prefix} ${file}`.trim(), seconds: Number(milliseconds) / 1000 });
  return files;
}

/** Those that took longest, the longest first. */
export const slowest = (files: readonly TestFile[], count: number): TestFile[] =>
  [...files].sort((a, b) => b.seconds - a.seconds).slice(0, count);
