import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import type { Command, Program } from '@gitops/report/command-line';
import { optionOf, variableOf } from '@gitops/report/options';

const root = resolve(import.meta.dirname, '../../..');
const makefile = readFileSync(join(root, 'Makefile'), 'utf8');
const exported = new Set(/^export ((?:[A-Z_]+ ?)+)$/m.exec(makefile)?.[1]?.split(' '));

/** The programs that the Makefile calls, each with the variable that calls it. */
const programs = Array.from(makefile.matchAll(/^([A-Z]+) := .*?(\S+\/src\/main\.ts)$/gm), ([, variable, file]) => ({
  variable: String(variable),
  file: String(file),
}));

/** The targets of the Makefile that call a program, and the command that each calls. */
const targetsOf = (variable: string): [string, string][] =>
  Array.from(
    makefile.matchAll(new RegExp(`^([a-z-]+):.*\\n\\t@\\$\\(${variable}\\) (.+)$`, 'gm')),
    ([, target, command]) => [String(target), String(command)],
  );

async function load(file: string): Promise<{ program: Program; commands: [string, Command][] }> {
  const { program } = (await import(join(root, file))) as { program: Program };
  const commands: [string, Command][] = [];
  for (const [name, loadCommand] of Object.entries(program.commands))
    commands.push([name, (await loadCommand()).default]);
  return { program, commands };
}

const taken = new Set<string>();
t.strictSame(
  programs.map(({ file }) => file),
  [
    'packages/load/src/main.ts',
    'packages/local/src/main.ts',
    'packages/monitoring/src/main.ts',
    'packages/manifests/src/main.ts',
    'packages/delivery/src/main.ts',
    'packages/services/src/main.ts',
    'platform/src/main.ts',
    'packages/verify/src/main.ts',
  ],
);

for (const { variable, file } of programs) {
  t.test(`${file}: every command`, async (t) => {
    const { program, commands } = await load(file);
    t.equal(program.file, file);
    const help = (...args: string[]): string => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, file), ...args, '--help'], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH },
      });
      t.equal(status, 0, `${args.join(' ')} --help: ${stderr}`);
      return stdout;
    };
    const list = help();
    for (const [name, { summary, options, without = {} }] of commands) {
      t.ok(list.includes(`  ${name} `) && list.includes(summary), `the help names ${name}`);
      const text = help(name);
      t.match(text, `Usage: node ${file} ${name} `);
      t.ok(text.includes(summary) && text.includes('--json') && text.includes('--help'), `${name} --help`);
      for (const [key, { placeholder, summary: what }] of Object.entries(options)) {
        const value = placeholder ?? 'yes';
        t.ok(text.includes(`  ${optionOf(key)} `), `${name} --help names ${optionOf(key)}`);
        t.ok(
          text.replaceAll(/\s+/g, ' ').includes(`${what} (make: ${variableOf(key)}=${value}`),
          `and ${variableOf(key)}`,
        );
        t.ok(exported.has(variableOf(key)), `the Makefile exports ${variableOf(key)}`);
        taken.add(variableOf(key));
      }
      for (const key of Object.keys(without)) {
        t.notOk(key in options, `${name} does not both have and refuse --${key}`);
        t.ok(exported.has(variableOf(key)), `${name} refuses ${variableOf(key)}, which another command has`);
      }
    }

    const targets = targetsOf(variable);
    t.not(targets.length, 0);
    for (const [target, command] of targets) {
      t.ok(Object.hasOwn(program.commands, command), `make ${target} calls the command ${command}`);
      t.equal(target, command, 'which has the same name');
    }
  });
}

t.test('the Makefile exports no variable that no command has', (t) => {
  t.strictSame([...exported].sort(), [...taken].sort());
  t.end();
});

t.test('the variables of the Makefile itself may be set on the command line of make', (t) => {
  const defined = Array.from(makefile.matchAll(/^([A-Z]+) :?= /gm), ([, name]) => String(name));
  const [, named = ''] = /^export MAKEFILE_VARIABLES := (.*)$/m.exec(makefile) ?? [];
  t.strictSame(named.split(' ').sort(), defined.sort());
  t.end();
});

t.test('`make` lists every target with its group, one line each', (t) => {
  const { status, stdout } = spawnSync('make', ['-C', root, '--no-print-directory'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  t.equal(status, 0);
  const [, phony = ''] = /^\.PHONY: (.*)$/m.exec(makefile) ?? [];
  const listed = Array.from(stdout.matchAll(/^ {2}make ([a-z-]+) +\S/gm), ([, name]) => String(name));
  t.strictSame(listed, phony.split(' '));
  const groups = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('  make '));
  t.strictSame(
    groups.map((group) => group.split(':')[0]),
    ['Newcomer', 'Developer', 'On-call', 'Platform engineer', 'Platform engineer', 'CI'],
  );
  for (const line of stdout.split('\n')) t.ok(line.length <= 120, line);
  t.end();
});
