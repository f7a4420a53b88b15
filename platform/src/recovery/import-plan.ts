import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import type { SynthesizedStack } from '../app.ts';
import type { Result, Tofu } from '../tofu.ts';

/** Something to import: a resource of the stack, and its id in AWS. */
export interface Import {
  /** aws_vpc.vpc */
  readonly to: string;
  readonly id: string;
}

/** The result of a plan with imports. */
interface PlanOutcome {
  /** What exists of what was asked for, the ids without references. */
  readonly found: readonly Import[];
  /** Addresses of what was to be imported and does not exist. */
  readonly absent: ReadonlySet<string>;
  /** Everything that keeps the stack from being planned, in OpenTofu's words. */
  readonly errors: readonly string[];
}

/**
 * Those of the imports that exist, the ids without references: OpenTofu plans them and what they need, without a refresh
 * of what the state has, and reports what it did not find. Throws CommandError where they cannot be planned.
 * @param held the addresses of what the state has already
 */
export async function existingImports(
  tofu: Tofu,
  stack: SynthesizedStack,
  imports: readonly Import[],
  held: ReadonlySet<string>,
): Promise<Import[]> {
  const file = join(stack.folder, 'recover.tf.json');
  const plan = async (tried: readonly Import[], asked = tried): Promise<PlanOutcome> => {
    if (asked.length === 0) return { found: [], absent: new Set(), errors: [] };
    writeFileSync(file, JSON.stringify({ import: tried }));
    const targets = asked.map(({ to }) => `-target=${to}`);
    const args = ['plan', '-input=false', '-lock=false', '-refresh=false', '-json', ...targets];
    return outcomeOf(await tofu.tryCapture(stack, args));
  };
  try {
    const settled = imports.filter(({ to }) => !failsUnnamed(to));
    dropDangling(settled, held);
    let outcome = await plan(settled);
    while (outcome.absent.size > 0) {
      drop(settled, outcome.absent);
      dropDangling(settled, held);
      outcome = await plan(settled);
    }
    if (outcome.errors.length > 0)
      throw new CommandError(
        [`${stack.name} cannot be planned`, ...outcome.errors],
        `fix it; \`make plan STACK=${stack.name}\` says more`,
      );

    const found = [...outcome.found];
    const single = imports.filter(({ to }) => failsUnnamed(to));
    dropDangling(single, new Set([...held, ...settled.map(({ to }) => to)]));
    for (const one of single) {
      const tried = await plan([...settled, one], [one]);
      if (tried.errors.length === 0) found.push(...tried.found.filter(({ to }) => to === one.to));
    }
    return found;
  } finally {
    rmSync(file, { force: true });
  }
}

/**
 * Whether the provider fails where a resource of this kind does not exist, without saying which one: each of these is
 * tried by itself.
 */
const failsUnnamed = (address: string): boolean => /^aws_route(_table_association)?\./.test(address);

function drop(imports: Import[], addresses: ReadonlySet<string>): void {
  const kept = imports.filter(({ to }) => !addresses.has(to));
  imports.splice(0, imports.length, ...kept);
}

/** Drops those whose id refers to something that is neither in the state nor to be imported. */
function dropDangling(imports: Import[], held: ReadonlySet<string>): void {
  for (;;) {
    const known = new Set([...held, ...imports.map(({ to }) => to)]);
    const dangling = imports.filter(({ id }) => referencesIn(id).some((address) => !known.has(address)));
    if (dangling.length === 0) return;
    drop(imports, new Set(dangling.map(({ to }) => to)));
  }
}

/** aws_vpc.vpc in "${aws_vpc.vpc.id}" */
const referencesIn = (id: string): string[] =>
  Array.from(id.matchAll(/\$\{(\w+\.[\w-]+)\./g), ([, address = '']) => address);

/** A line of OpenTofu's JSON output, as far as it matters here. */
interface Message {
  readonly change?: { readonly resource: { readonly addr: string }; readonly importing?: { readonly id: string } };
  readonly diagnostic?: { readonly severity: string; readonly summary: string; readonly detail: string };
}

function outcomeOf({ output }: Result): PlanOutcome {
  const found: Import[] = [];
  const absent = new Set<string>();
  const errors: string[] = [];
  for (const line of output.split('\n')) {
    if (!line.startsWith('{')) continue;
    const { change, diagnostic } = JSON.parse(line) as Message;
    if (change?.importing !== undefined) found.push({ to: change.resource.addr, id: change.importing.id });
    if (diagnostic?.severity !== 'error') continue;
    errors.push(diagnostic.summary);
    const address = /object to "([^"]+)"/.exec(diagnostic.detail)?.[1];
    if (diagnostic.summary === 'Cannot import non-existent remote object' && address !== undefined) absent.add(address);
  }
  return { found, absent, errors };
}
