// What the Makefile calls: node packages/local/src/main.ts COMMAND [OPTIONS]
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '@gitops/report/errors';
import { elapsed, type Progress, progressTo } from '@gitops/report/progress';
import { imageProblem } from '@gitops/settings/image-file';
import { ensureCharts } from '@gitops/tools/charts';
import { ensureSchemas } from '@gitops/tools/schemas';
import { ALL_BUILDS, ensureTools } from '@gitops/tools/tools';
import { applicationsTable, entryRevision, shortImage } from './applications.ts';
import { connectAs, storedTokens } from './argocd.ts';
import type { Application } from './argocd-api.ts';
import { kubeconfigPath } from './cluster.ts';
import { awaitDelivery } from './deliver.ts';
import { down } from './down.ts';
import { type Instance, openInstance } from './instance.ts';
import { withLock } from './lock.ts';
import { followLogs } from './logs.ts';
import { type Ports, rememberedPorts } from './ports.ts';
import { type Publication, publishedImage, publishImage, publishWorkTree, repositoryURL } from './publish.ts';
import { resume, rollback } from './rollback.ts';
import { printStatus, readStatus } from './status.ts';
import { up } from './up.ts';

interface Invocation {
  readonly instance: Instance;
  readonly progress: Progress;
  readonly json: boolean;
  /** A value given as --name, or by make as a variable NAME; undefined where it is missing or empty. */
  readonly option: (name: OptionName) => string | undefined;
}

type OptionName = 'app' | 'id' | 'tag' | 'digest';

interface Command {
  readonly summary: string;
  readonly options: readonly OptionName[];
  readonly run: (invocation: Invocation) => Promise<void>;
}

const DEFAULT_APPLICATION = 'fastify-service';
const APPLICATION = /^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/;

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

function portsOf(instance: Instance): Ports {
  const ports = rememberedPorts(instance);
  if (ports === undefined || !existsSync(kubeconfigPath(instance)))
    throw new CommandError('nothing runs here yet', 'run `make up`');
  return ports;
}

function applicationName(option: string | undefined, otherwise?: string): string {
  const name = option ?? otherwise;
  if (name === undefined)
    throw new CommandError(
      'APP is missing',
      'name an Application, for instance APP=fastify-service; `make status` lists them',
    );
  if (!APPLICATION.test(name))
    throw new CommandError(
      `APP ${JSON.stringify(name)} is no name of an Application: lower-case letters, digits and dashes only`,
      '`make status` lists them',
    );
  return name;
}

/** Reports how a publication fared, as text or JSON. */
async function deliver(
  { instance, json }: Invocation,
  ports: Ports,
  publication: Publication,
  start: number,
): Promise<void> {
  const head = publication.commit.slice(0, 7);
  if (publication.files.length === 0) {
    print(
      json
        ? JSON.stringify({ ...publication, reached: [], heldBack: [] })
        : `Nothing to do: main (${head}) holds all of it already.`,
    );
    return;
  }
  if (!json) {
    const shown = publication.files.slice(0, 10).map((file) => `  ${file}`);
    if (publication.files.length > shown.length) shown.push(`  and ${publication.files.length - shown.length} more`);
    print(
      [
        `main is at ${head}: ${publication.files.length} file${publication.files.length === 1 ? '' : 's'} changed`,
        ...shown,
      ].join('\n'),
    );
  }
  const client = connectAs(instance, ports, 'admin');
  const { reached, heldBack } = await awaitDelivery(instance, client, publication);
  if (json) {
    print(JSON.stringify({ ...publication, reached: reached.map(({ metadata }) => metadata.name), heldBack }));
    return;
  }
  for (const name of heldBack)
    print(`${name} is rolled back and stays as it is; \`make resume APP=${name}\` hands it back to Git.`);
  if (reached.length === 0 && heldBack.length === 0) print('No Application reads any of these files.');
  if (reached.length > 0)
    print(
      `Synced and Healthy ${elapsed(Date.now() - start)} after the command was given:\n${applicationsTable(reached)}`,
    );
}

const NEXT_STEPS = [
  "Next:  make ship TAG=0.2.0                     CI's part: one commit with a new image tag, deployed by Argo CD",
  "       make rollback APP=fastify-service       on-call's part: back to the version before; it stays until `make resume`",
  "       edit clusters/local/fastify-service.yaml, then make deploy     the platform team's part, as a merge would",
].join('\n');

const COMMANDS: Readonly<Record<string, Command>> = {
  up: {
    summary: 'start everything, or whatever of it is not running',
    options: [],
    run: async ({ instance, progress, json }) => {
      const applications = await withLock(instance, 'up', async () => up(instance, progress));
      print(
        json
          ? JSON.stringify((await readStatus(instance)).status)
          : `\n${applicationsTable(byName(applications))}\n\n${NEXT_STEPS}`,
      );
    },
  },
  down: {
    summary: 'end every process; the state stays for the next up',
    options: [],
    run: async ({ instance, progress, json }) => {
      await withLock(instance, 'down', async () => down(instance, progress));
      print(json ? '{}' : 'Nothing runs any more. `make up` goes on from here; `rm -rf .local` forgets it all.');
    },
  },
  deploy: {
    summary: 'publish the work tree to the local main, as a merge would, and wait',
    options: [],
    run: async (invocation) => {
      const start = Date.now();
      const ports = portsOf(invocation.instance);
      await deliver(invocation, ports, await publishWorkTree(invocation.instance, repositoryURL(ports.git)), start);
    },
  },
  ship: {
    summary: "CI's part: commit a new image TAG (and DIGEST) for APP, and wait",
    options: ['tag', 'digest', 'app'],
    run: async (invocation) => {
      const start = Date.now();
      const { instance, option } = invocation;
      const tag = option('tag');
      if (tag === undefined) throw new CommandError('TAG is missing', 'for instance: make ship TAG=0.2.0');
      const application = applicationName(option('app'), DEFAULT_APPLICATION);
      // No registry runs here, so a digest is made up: always the same one for the same tag.
      const digest = option('digest') ?? `sha256:${createHash('sha256').update(`${application}:${tag}`).digest('hex')}`;
      const problem = imageProblem({ tag, digest });
      if (problem !== undefined)
        throw new CommandError(
          `${problem.key.toUpperCase()}: ${problem.rule}`,
          'for instance: make ship TAG=0.2.0 (a digest is made up when none is given)',
        );
      const ports = portsOf(instance);
      await deliver(
        invocation,
        ports,
        await publishImage(instance, repositoryURL(ports.git), application, { tag, digest }),
        start,
      );
    },
  },
  rollback: {
    summary: 'as on-call: auto-sync off for APP, then back to history ID (default: the version before)',
    options: ['app', 'id'],
    run: async ({ instance, option, json }) => {
      const name = applicationName(option('app'));
      const id = option('id');
      if (id !== undefined && !/^\d{1,15}$/.test(id))
        throw new CommandError(
          `ID ${JSON.stringify(id)} is no history id`,
          'it is a whole number, as `argocd app history` shows it',
        );
      const ports = portsOf(instance);
      const start = Date.now();
      const { application, target } = await rollback(
        connectAs(instance, ports, 'oncall'),
        name,
        id === undefined ? undefined : Number(id),
      );
      if (json) print(JSON.stringify({ name, id: target.id, revision: entryRevision(target) }));
      else {
        print(
          `${name} runs history ${target.id} (${entryRevision(target).slice(0, 7)}) again after ${elapsed(Date.now() - start)}. Auto-sync is off, so it stays:\n`,
        );
        print(`${applicationsTable([application])}\n\n\`make resume APP=${name}\` hands it back to Git.`);
      }
    },
  },
  resume: {
    summary: 'hand APP back to Git: auto-sync on, main is deployed',
    options: ['app'],
    run: async ({ instance, option, json }) => {
      const name = applicationName(option('app'));
      const ports = portsOf(instance);
      const application = await resume(connectAs(instance, ports, 'oncall'), name);
      print(
        json
          ? JSON.stringify({ name, revision: application.status?.sync?.revision })
          : `${name} follows Git again:\n\n${applicationsTable([application])}`,
      );
    },
  },
  status: {
    summary: 'Applications and what is wrong with them, processes, addresses, accounts',
    options: [],
    run: async ({ instance, json }) => {
      const { status, applications } = await readStatus(instance);
      print(json ? JSON.stringify(status) : printStatus(status, applications));
      if (status.unreachable !== undefined || status.processes.some(({ pid }) => pid === undefined))
        process.exitCode = 1;
    },
  },
  env: {
    summary: 'shell exports for kubectl, helm, argocd and git: eval "$(make env)"',
    options: [],
    run: async ({ instance, json }) => {
      const ports = portsOf(instance);
      const { bin } = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });
      const variables = {
        KUBECONFIG: kubeconfigPath(instance),
        ARGOCD_SERVER: `127.0.0.1:${ports.server}`,
        ARGOCD_AUTH_TOKEN: storedTokens(instance).admin,
        ARGOCD_OPTS: '--plaintext',
        LOCAL_GIT_URL: repositoryURL(ports.git),
      };
      if (json) print(JSON.stringify({ ...variables, PATH: bin }));
      else {
        const quote = (value: string): string => `'${value.replaceAll("'", String.raw`'\''`)}'`;
        for (const [name, value] of Object.entries(variables)) print(`export ${name}=${quote(value)}`);
        print(`export PATH=${quote(bin)}:"$PATH"`);
      }
    },
  },
  logs: {
    summary: 'follow the logs of every process',
    options: [],
    run: async ({ instance }) => followLogs(instance, portsOf(instance)),
  },
  tools: {
    summary:
      'build the programs that are missing, check the others, fetch the schemas of Kubernetes and the upstream charts, and say where the programs are',
    options: [],
    run: async ({ progress, json }) => {
      const { bin, checksums } = await ensureTools(progress, { verify: true, builds: ALL_BUILDS });
      await ensureSchemas(progress);
      await ensureCharts(progress);
      print(json ? JSON.stringify({ bin, checksums }) : bin);
    },
  },
  image: {
    summary: 'the image of APP that the local main holds',
    options: ['app'],
    run: async ({ instance, option, json }) => {
      const application = applicationName(option('app'), DEFAULT_APPLICATION);
      const image = await publishedImage(instance, application);
      if (image === undefined)
        throw new CommandError(`main has no image file for ${application}`, '`make status` lists the Applications');
      print(json ? JSON.stringify(image) : shortImage(`${application}:${image.tag}@${image.digest}`));
    },
  },
};

const byName = (applications: readonly Application[]): Application[] =>
  [...applications].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));

const OPTION_HELP: Readonly<Record<OptionName, string>> = {
  app: '--app NAME       an Application (make: APP=)',
  id: '--id NUMBER      a history id (make: ID=)',
  tag: '--tag TAG        an image tag (make: TAG=)',
  digest: '--digest DIGEST  sha256:… of the image (make: DIGEST=); made up here when left out',
};

function help(name?: string): string {
  const common = '  --json           the result as JSON on standard output\n  --help           this text';
  const command = name === undefined ? undefined : COMMANDS[name];
  if (name !== undefined && command !== undefined) {
    return [
      `${name}: ${command.summary}`,
      '',
      ...command.options.map((option) => `  ${OPTION_HELP[option]}`),
      common,
    ].join('\n');
  }
  const list = Object.entries(COMMANDS).map(([title, { summary }]) => `  ${title.padEnd(10)}${summary}`);
  return ['A real Kubernetes and a real Argo CD on this machine.', '', ...list, '', common].join('\n');
}

async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      app: { type: 'string' },
      id: { type: 'string' },
      tag: { type: 'string' },
      digest: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const [name = ''] = positionals;
  const command = COMMANDS[name];
  if (values.help === true || name === '') {
    print(help(name));
    return;
  }
  if (command === undefined || positionals.length > 1)
    throw new CommandError(
      `there is no command ${JSON.stringify(positionals.join(' '))}`,
      `it is one of: ${Object.keys(COMMANDS).join(', ')}`,
    );
  await command.run({
    instance: openInstance(),
    progress: progressTo(),
    json: values.json === true,
    option: (option) => {
      const value = values[option] ?? process.env[option.toUpperCase()];
      return value === undefined || value === '' ? undefined : value;
    },
  });
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    process.stderr.write(
      '\ninterrupted; what runs, runs on. The same command goes on from here, `make down` ends it all.\n',
    );
    process.exit(code);
  });
}

await runCommand(
  async () => main(process.argv.slice(2)),
  '`make status` shows what runs, .local/logs what was said; run the command again',
);
