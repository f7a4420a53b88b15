// What CI and the platform team call: node packages/manifests/src/main.ts COMMAND [OPTIONS]
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { CommandError, runCommand } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { table } from '@gitops/report/table';
import { clusterNames } from '@gitops/settings';
import { ensureCharts } from '@gitops/tools/charts';
import { ensureSchemas } from '@gitops/tools/schemas';
import { ensureTools } from '@gitops/tools/tools';
import { check } from './commands/check.ts';
import { compare } from './commands/compare.ts';
import { effect, type Explanation, provenance, valuesBehind } from './commands/explain.ts';
import { blocking } from './kubernetes/changes.ts';
import { nameOf } from './kubernetes/object.ts';
import { workloads } from './kubernetes/workload.ts';
import { capacity, CAPACITY_HEADER, capacityTable } from './proofs/capacity.ts';
import { byCluster, openProofs, placed, type Proofs, surroundingsOf } from './proofs/proofs.ts';
import { reachability, REACHABILITY_HEADER, reachabilityTable } from './proofs/reachability.ts';
import { renderedOnly } from './proofs/rendered-proofs.ts';
import { type FleetApplication, labelOf, renderFleet } from './render/fleet.ts';
import { type Renderer, startRenderer } from './render/renderer.ts';
import { repositoryAbove } from './render/repository.ts';
import { keysOf } from './render/values.ts';

interface Invocation {
  readonly root: string;
  readonly json: boolean;
  readonly cluster: string | undefined;
  readonly app: string | undefined;
  readonly key: string | undefined;
  readonly base: string | undefined;
  readonly renderer: Renderer;
  readonly proofs: Proofs;
}

interface Command {
  readonly summary: string;
  readonly run: (invocation: Invocation) => Promise<void>;
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** What a key means: a value, some values, or a rendered field with the values behind it. */
async function explained(
  renderer: Renderer,
  root: string,
  entry: FleetApplication,
  key: string | undefined,
): Promise<Explanation[]> {
  try {
    return provenance(root, entry, key);
  } catch (error) {
    const behind =
      error instanceof CommandError && key !== undefined ? await valuesBehind(renderer, root, entry, key) : [];
    if (behind.length === 0) throw error;
    process.stderr.write(`${String(key)} is no value of the chart, but a field that it renders. Behind it:\n`);
    return behind;
  }
}

/** What is open to and from an application; one row where no NetworkPolicy closes anything. */
function flowsOf(entry: ReturnType<typeof renderedOnly>[number]): string[][] {
  const objects = placed(entry);
  if (objects.some(({ kind }) => kind === 'NetworkPolicy')) return reachabilityTable(objects, surroundingsOf(entry));
  return [
    ['everything', workloads(objects).map(nameOf).join(', '), 'every port, and back: it has no NetworkPolicy', ''],
  ];
}

/** The Applications that --cluster and --app name; all without them. */
async function selected({
  renderer,
  root,
  proofs: { capabilities },
  cluster,
  app,
}: Invocation): Promise<FleetApplication[]> {
  const clusters = clusterNames(root);
  if (cluster !== undefined && !clusters.includes(cluster))
    throw new CommandError(`there is no cluster ${cluster}`, `--cluster is one of: ${clusters.join(', ')}`);
  const fleet = await renderFleet(renderer, root, {
    capabilities,
    ...(cluster === undefined ? {} : { clusters: [cluster] }),
  });
  const found = fleet.filter(({ application }) => app === undefined || application.metadata.name === app);
  if (found.length === 0)
    throw new CommandError(
      `there is no application ${String(app)}`,
      `--app is one of: ${[...new Set(fleet.map(({ application }) => application.metadata.name))].join(', ')}`,
    );
  return found;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  render: {
    summary: 'what Argo CD would apply, as YAML, by Argo CD’s own code',
    run: async (invocation) => {
      const applications = await selected(invocation);
      const failed = applications.filter(({ rendered }) => !rendered.ok);
      if (invocation.json) {
        print(
          JSON.stringify(
            applications.map((entry) => ({
              cluster: entry.cluster.name,
              application: entry.application.metadata.name,
              ...entry.rendered,
            })),
            null,
            2,
          ),
        );
      } else {
        for (const entry of applications) {
          if (entry.rendered.ok)
            for (const object of entry.rendered.value)
              print(`---\n# ${labelOf(entry)}\n${stringify(object, { lineWidth: 0 }).trimEnd()}`);
        }
      }
      for (const entry of failed)
        process.stderr.write(`error: ${labelOf(entry)}: ${entry.rendered.ok ? '' : entry.rendered.error}\n`);
      if (failed.length > 0) {
        process.stderr.write(' next: `check` names the file and the line\n');
        process.exitCode = 1;
      }
    },
  },
  check: {
    summary: 'everything that can be wrong with charts, values and applications, all of it at once',
    run: async ({ renderer, root, proofs, json }) => {
      const { problems, fleet } = await check(renderer, root, proofs.capabilities, proofs.all);
      if (json) print(JSON.stringify({ problems, applications: fleet.map(labelOf) }));
      else
        print(
          problems.length === 0
            ? `${fleet.length} applications of ${clusterNames(root).length} clusters: nothing is wrong`
            : problems.join('\n'),
        );
      if (problems.length > 0) {
        process.stderr.write(`${problems.length} problem${problems.length === 1 ? '' : 's'}\n`);
        process.exitCode = 1;
      }
    },
  },
  explain: {
    summary: 'which file and line set a value, what it shadowed, and which fields it sets (--cluster, --app, KEY)',
    run: async (invocation) => {
      const { root, renderer, key, json, cluster, app } = invocation;
      if (cluster === undefined || app === undefined)
        throw new CommandError(
          '--cluster and --app are needed',
          'for instance: explain --cluster production --app fastify-service resources.memory',
        );
      const [entry] = await selected(invocation);
      if (entry === undefined) return;
      const explanations = await explained(renderer, root, entry, key);
      // Trying other values costs renders, so it is done for what was asked for, not for a list of everything.
      const effects =
        key === undefined
          ? []
          : await Promise.all(
              explanations.map(async (explanation) => effect(renderer, root, entry, keysOf(explanation.key))),
            );
      if (json) {
        print(
          JSON.stringify(
            explanations.map((explanation, index) => ({ ...explanation, ...effects[index] })),
            null,
            2,
          ),
        );
        return;
      }
      if (key === undefined) {
        print(
          table(
            ['VALUE', 'IS', 'SET BY', 'SHADOWED'],
            explanations.map(({ key: name, value, place, shadowed }) => [
              name,
              cut(shown(value)),
              place,
              cut(shadowed.map((below) => shown(below.value)).join(', ')) || '-',
            ]),
          ),
        );
        return;
      }
      explanations.forEach((explanation, index) => {
        print(`${index > 0 ? '\n' : ''}${explanation.key} = ${shown(explanation.value)}`);
        if (explanation.meaning !== '') print(`  ${explanation.meaning}`);
        const rows = [{ place: explanation.place, value: explanation.value }, ...explanation.shadowed];
        print(
          rows
            .map(
              ({ place, value }, row) =>
                `  ${row === 0 ? 'set by  ' : 'shadowed'}  ${place}${row === 0 ? '' : `: ${shown(value)}`}`,
            )
            .join('\n'),
        );
        const found = effects[index];
        if (found === undefined) return;
        if (found.refusal !== undefined) print(`  no other value renders here: ${found.refusal}`);
        else if (found.changes.length === 0) print('  sets nothing here: what it belongs to is switched off');
        else
          print(
            `  sets (tried ${shown(found.tried)})\n${found.changes.map(({ object, path, before }) => `    ${object} ${path === '' ? '(the whole object)' : `${path}: ${shown(before)}`}`).join('\n')}`,
          );
      });
    },
  },
  capacity: {
    summary: 'whether each cluster holds its pods, all at their maximum, when a zone is lost',
    run: async (invocation) => {
      const clusters = byCluster(await selected(invocation));
      if (invocation.json)
        print(
          JSON.stringify(
            clusters.flatMap(([cluster, objects]) => capacity(cluster, objects) ?? []),
            null,
            2,
          ),
        );
      else
        print(
          table(
            CAPACITY_HEADER,
            clusters.flatMap(([cluster, objects]) => capacityTable(cluster, objects)),
          ),
        );
    },
  },
  flows: {
    summary: 'which connections the NetworkPolicies let through; whatever is not listed is closed',
    run: async (invocation) => {
      // Argo CD's own are its chart's, and many: they are shown when they are asked for.
      const applications = renderedOnly(await selected(invocation)).filter(
        (entry) => workloads(placed(entry)).length > 0 && (!entry.isInstalled || invocation.app !== undefined),
      );
      if (invocation.json)
        print(
          JSON.stringify(
            applications.map((entry) => ({
              application: labelOf(entry),
              flows: reachability(placed(entry), surroundingsOf(entry)),
            })),
            null,
            2,
          ),
        );
      else
        print(
          table(
            ['APPLICATION', ...REACHABILITY_HEADER],
            applications.flatMap((entry) => flowsOf(entry).map((row) => [labelOf(entry), ...row])),
          ),
        );
    },
  },
  diff: {
    summary:
      'what merging the work tree would change in the clusters, and what that does (--base REVISION, origin/main by default)',
    run: async ({ renderer, root, proofs, base = 'origin/main', json }) => {
      const changes = await compare(renderer, root, base, { capabilities: proofs.capabilities });
      const blocked = changes.filter(blocking);
      if (json) print(JSON.stringify(changes, null, 2));
      else if (changes.length === 0) print(`nothing changes in any cluster against ${base}`);
      else
        print(
          table(
            ['APPLICATION', 'OBJECT', 'FIELD', 'BEFORE', 'AFTER', 'WHAT HAPPENS'],
            changes.map((change) => [
              change.application,
              change.object,
              change.path || '(all of it)',
              brief(change.before),
              brief(change.after),
              `${blocking(change) ? 'BLOCKED: ' : ''}${change.consequence}`,
            ]),
          ),
        );
      if (blocked.length > 0) {
        process.stderr.write(
          `${blocked.length} change${blocked.length === 1 ? '' : 's'} must not be merged as they are\n`,
        );
        process.exitCode = 1;
      }
    },
  },
};

const shown = (value: unknown): string =>
  value === undefined
    ? 'nothing'
    : typeof value === 'string' && value !== '' && !/[\s"]/.test(value)
      ? value
      : JSON.stringify(value);

/** A text for a column. */
const cut = (text: string, longest = 80): string => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text);

/** A value for a column of a table that has many. */
const brief = (value: unknown): string =>
  cut(value === undefined ? '-' : typeof value === 'object' ? '…' : shown(value), 40);

function help(): string {
  const list = Object.entries(COMMANDS).map(([title, { summary }]) => `  ${title.padEnd(10)}${summary}`);
  return [
    'What Git would deploy: rendered, checked, explained.',
    '',
    ...list,
    '',
    '  --cluster NAME  one cluster below clusters/',
    '  --app NAME      one application',
    '  --base REVISION what to compare with',
    '  --json          the result as JSON on standard output',
    '  --help          this text',
  ].join('\n');
}

async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      cluster: { type: 'string' },
      app: { type: 'string' },
      base: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const [name = '', given, ...more] = positionals;
  if (values.help === true || name === '') {
    print(help());
    return;
  }
  const command = COMMANDS[name];
  if (command === undefined || more.length > 0 || (given !== undefined && name !== 'explain')) {
    throw new CommandError(
      `there is no command ${JSON.stringify(positionals.join(' '))}`,
      `it is one of: ${Object.keys(COMMANDS).join(', ')}`,
    );
  }
  const quiet = { ...progressTo(), note: () => undefined };
  const tools = await ensureTools(quiet, { verify: false });
  const root = repositoryAbove(process.cwd());
  const renderer = startRenderer(tools, await ensureCharts(quiet));
  try {
    const proofs = openProofs(root, renderer, tools, await ensureSchemas(quiet));
    // make hands its variables over by the environment.
    const option = (value: string | undefined, variable: string): string | undefined =>
      value ?? (process.env[variable] === '' ? undefined : process.env[variable]);
    await command.run({
      root,
      renderer,
      proofs,
      json: values.json === true,
      cluster: option(values.cluster, 'CLUSTER'),
      app: option(values.app, 'APP'),
      key: option(given, 'KEY'),
      base: option(values.base, 'BASE'),
    });
  } finally {
    await renderer.close();
  }
}

await runCommand(async () => main(process.argv.slice(2)), '--help lists commands and options');
