import { appendFileSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Build } from './builds.ts';
import { go, goFolder } from './go.ts';
import { run } from './run.ts';

/**
 * Copies a module to a folder, checked by go.sum as any other, and adds the files that it lacks.
 * @returns a go.mod that takes the copy in place of the module
 */
export async function withGenerated(
  { module, generated }: Build,
  scratch: string,
  onErrorLine: (line: string) => void,
): Promise<string> {
  if (generated === undefined) throw new Error('this build has no generated files');
  const download = await go(module, ['mod', 'download', '-json', generated.module], onErrorLine);
  const copy = join(scratch, 'module');
  cpSync((JSON.parse(download) as { Dir: string }).Dir, copy, { recursive: true });
  // The module cache is read-only, and so are copies of it.
  await run('chmod', ['-R', 'u+w', copy]);
  for (const [file, text] of Object.entries(generated.files)) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    writeFileSync(join(copy, file), text);
  }
  for (const file of ['go.mod', 'go.sum']) copyFileSync(join(goFolder, module, file), join(scratch, file));
  appendFileSync(join(scratch, 'go.mod'), `\nreplace ${generated.module} => ${copy}\n`);
  return join(scratch, 'go.mod');
}
