import { join } from 'node:path';
import type { Program } from '@gitops/report/command-line';
import { variableOf } from '@gitops/report/options';
import { read, root } from './tree.ts';

/** The targets of make, each with the variables that it takes on its command line. */
export async function makeTargets(): Promise<Map<string, ReadonlySet<string>>> {
  const makefile = read('Makefile');
  const own = Array.from(makefile.matchAll(/^([A-Z]+) :?= /gm), ([, name]) => String(name));
  const targets = new Map<string, ReadonlySet<string>>();
  for (const [, target] of makefile.matchAll(/^([a-z-]+):.*## /gm)) targets.set(String(target), new Set(own));
  for (const [, variable, file] of makefile.matchAll(/^([A-Z]+) := .*?(\S+\/src\/main\.ts)$/gm)) {
    const { program } = (await import(join(root, String(file)))) as { program: Program };
    for (const [, target, command] of makefile.matchAll(
      new RegExp(`^([a-z-]+):.*\\n\\t@\\$\\(${String(variable)}\\) (.+)$`, 'gm'),
    )) {
      const load = program.commands[String(command)];
      const { options } = load === undefined ? { options: {} } : (await load()).default;
      const variables = [...Object.keys(options).map(variableOf), ...Object.keys(program.environment ?? {})];
      targets.set(String(target), new Set([...own, ...variables]));
    }
  }
  return targets;
}
