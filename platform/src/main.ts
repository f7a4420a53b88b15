// The platform on AWS, from the command line: node platform/src/main.ts COMMAND [OPTIONS]
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { table } from '@gitops/report/table';
import { type AwsClusterSettings, readClusters, settingProblem, SettingsError } from '@gitops/settings';
import { tagProblem } from '@gitops/settings/image-file';
import { synthesize, type SynthesizedStack } from './app.ts';
import { applyStack } from './commands/apply.ts';
import { destroyCluster } from './commands/destroy.ts';
import { pushImage } from './commands/image.ts';
import { writeKubeconfig } from './commands/kubeconfig.ts';
import { migrateState } from './commands/migrate-state.ts';
import { backupSelections, tagged } from './commands/search.ts';
import { declaredResources, monthlyCosts, totalOf } from './cost.ts';
import { requireCredentials } from './credentials.ts';
import { initialize, openTofu, PLAN, type Tofu } from './tofu.ts';

const repository = resolve(import.meta.dirname, '../..');
// cdktf's own command line says where it wants the stacks; state and providers lie beside them, where the stacks look
// for them.
const outdir = resolve(process.env.CDKTF_OUTDIR ?? join(repository, 'platform/cdktf.out'));
const platform = dirname(outdir);

interface Invocation {
  readonly json: boolean;
  /** What was given on the command line or, by make, in the environment. */
  readonly option: (name: OptionName) => string | undefined;
}

interface Command {
  readonly summary: string;
  readonly options: readonly OptionName[];
  readonly run: (invocation: Invocation) => Promise<void>;
}

const OPTIONS = {
  cluster: '--cluster NAME  a cluster on AWS below clusters/ (make: CLUSTER=)',
  stack: '--stack NAME    one stack, as `make synth` lists them (make: STACK=)',
  tag: '--tag VERSION   the version of an image (make: TAG=)',
  yes: '--yes VALUE     do not ask; for destroy the name of the cluster (make: YES=)',
  recover: '--recover 1     look for what an apply had made whose machine is lost (make: RECOVER=)',
  id: '--id LOCK       the lock of a state (make: ID=)',
  dirty: '--dirty 1       an image of a work tree that no commit holds (make: DIRTY=)',
} as const;
type OptionName = keyof typeof OPTIONS;

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

type StackJson = Parameters<typeof declaredResources>[0] & {
  readonly provider: {
    readonly aws: readonly { readonly region: string; readonly allowed_account_ids: readonly string[] }[];
  };
};
const readStack = ({ folder }: SynthesizedStack): StackJson =>
  JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as StackJson;

const synth = (): SynthesizedStack[] => synthesize(repository, outdir);
const awsClusters = (): AwsClusterSettings[] =>
  readClusters(repository).filter((cluster): cluster is AwsClusterSettings => cluster.provider === 'aws');
const stateOf = (): 'local' | 's3' => readClusters(repository)[0]?.state ?? 'local';

function clusterOf({ option }: Invocation): AwsClusterSettings {
  const clusters = awsClusters();
  const name = option('cluster');
  const found = clusters.find((cluster) => cluster.name === name);
  if (found === undefined)
    throw new CommandError(
      name === undefined ? 'which cluster?' : `there is no cluster ${name} on AWS`,
      `name one: ${clusters.map((cluster) => `CLUSTER=${cluster.name}`).join(', ')}`,
    );
  return found;
}

/** The stacks that are meant: one, or those of a cluster, in the order in which they are applied. */
function stacksOf(invocation: Invocation): SynthesizedStack[] {
  const [cluster, stack] = [invocation.option('cluster'), invocation.option('stack')];
  const stacks = synth();
  const chosen = stacks.filter((candidate) =>
    stack === undefined ? cluster !== undefined && candidate.cluster === cluster : candidate.name === stack,
  );
  if (chosen.length > 0) return chosen;
  const clusters = [...new Set(stacks.flatMap((candidate) => candidate.cluster ?? []))].map(
    (name) => `CLUSTER=${name}`,
  );
  const others = stacks.flatMap((candidate) => (candidate.cluster === undefined ? [`STACK=${candidate.name}`] : []));
  throw new CommandError(
    cluster === undefined && stack === undefined
      ? 'of which cluster or stack?'
      : `there is no ${stack === undefined ? `cluster ${cluster ?? ''} on AWS` : `stack ${stack}`}`,
    `name one: ${[...clusters, ...others].join(', ')}`,
  );
}

const COMMANDS: Readonly<Record<string, Command>> = {
  synth: {
    summary: 'write every stack of every cluster to platform/cdktf.out',
    options: [],
    run: async ({ json }) => {
      const stacks = synth();
      const rows = stacks.map((stack) => {
        const { provider, ...rest } = readStack(stack);
        const [aws] = provider.aws;
        return {
          ...stack,
          account: aws?.allowed_account_ids[0] ?? '',
          region: aws?.region ?? '',
          resources: declaredResources(rest).length,
        };
      });
      if (json) print(JSON.stringify(rows, null, 2));
      else
        print(
          `${table(
            ['STACK', 'ACCOUNT', 'REGION', 'RESOURCES', 'AFTER'],
            rows.map(({ name, account, region, resources, after }) => [
              name,
              account,
              region,
              String(resources),
              after.join(', ') || '-',
            ]),
          )}\n\nwritten to ${resolve(stacks[0]?.folder ?? '', '..')}`,
        );
      return Promise.resolve();
    },
  },
  plan: {
    summary: 'what an apply would change in AWS',
    options: ['cluster', 'stack'],
    run: async (invocation) => onEach(stacksOf(invocation), async (tofu, stack) => tofu.show(stack, PLAN)),
  },
  apply: {
    summary: 'make AWS as the settings say, stack by stack; asks before each',
    options: ['cluster', 'stack', 'yes', 'recover'],
    run: async (invocation) => {
      const options = {
        platform,
        yes: invocation.option('yes') !== undefined,
        lost: invocation.option('recover') !== undefined,
        search: { tagged, backupSelections },
        print,
      };
      await onEach(stacksOf(invocation), async (tofu, stack) => applyStack(tofu, stack, options));
    },
  },
  unlock: {
    summary: 'take the lock ID off a stack, whose holder was killed; asks before',
    options: ['stack', 'id'],
    run: async (invocation) => {
      const id = invocation.option('id');
      if (id === undefined) throw new CommandError('which lock?', 'give the ID that the refused apply has told: ID=…');
      await onEach(stacksOf(invocation), async (tofu, stack) => tofu.show(stack, ['force-unlock', id]));
    },
  },
  cost: {
    summary: 'what each cluster costs a month by list price, against its budget',
    options: ['cluster'],
    run: async (invocation) => {
      const stacks = synth();
      const wanted = invocation.option('cluster') === undefined ? awsClusters() : [clusterOf(invocation)];
      const costs = wanted.map((cluster) => {
        const resources = stacks
          .filter((stack) => stack.cluster === cluster.name)
          .flatMap((stack) => declaredResources(readStack(stack)));
        const lines = monthlyCosts(resources, cluster.region, {
          hasLoadBalancers: cluster.controllers.includes('aws-load-balancer-controller'),
        });
        return { cluster: cluster.name, lines, usd: totalOf(lines), budget: cluster.budget.monthlyUsd };
      });
      const rows = costs.flatMap(({ cluster, lines, usd, budget }) => [
        ...lines.map(({ item, quantity, usd: each }) => [cluster, item, String(quantity), each.toFixed(2)]),
        [cluster, `all of it, of a budget of ${budget}`, '', usd.toFixed(2)],
      ]);
      print(
        invocation.json
          ? JSON.stringify(costs, null, 2)
          : `${table(['CLUSTER', 'ITEM', 'QUANTITY', 'USD A MONTH'], rows)}\n\nList prices of platform/data/prices.json; traffic, logs and backups are assumed there.`,
      );
      const over = costs
        .filter(({ usd, budget }) => usd > budget)
        .map(({ cluster }) =>
          settingProblem(repository, cluster, ['budget', 'monthlyUsd'], 'is less than what the cluster lists for'),
        );
      if (over.length > 0) throw new SettingsError(over);
      return Promise.resolve();
    },
  },
  kubeconfig: {
    summary: 'add a cluster to your kubeconfig and make it the current context',
    options: ['cluster'],
    run: async (invocation) => {
      const cluster = clusterOf(invocation);
      requireCredentials();
      await writeKubeconfig(cluster);
      print(`kubectl talks to ${cluster.name} now; \`kubectl config use-context NAME\` goes to another`);
    },
  },
  image: {
    summary: 'build the image of the service as TAG and push it to the registry',
    options: ['tag', 'dirty'],
    run: async ({ option, json }) => {
      const tag = option('tag');
      if (tag === undefined) throw new CommandError('which version?', 'give one: TAG=0.2.0');
      const rule = tagProblem(tag);
      if (rule !== undefined) throw new CommandError(`TAG: ${rule}`, 'for instance TAG=0.2.0');
      const clusters = awsClusters();
      const owner = clusters.find(({ name }) => tag.startsWith(`${name}-`));
      if (owner !== undefined)
        throw new CommandError(
          `${tag} looks like a tag of the cluster ${owner.name}, and these move`,
          'take another TAG',
        );
      requireCredentials();
      const image = await pushImage(repository, tag, clusters, { dirty: option('dirty') !== undefined });
      print(json ? JSON.stringify(image) : image.reference);
    },
  },
  'migrate-state': {
    summary: 'move the state of every stack from this machine to S3, once `state` says s3',
    options: [],
    run: async () => {
      if (stateOf() !== 's3')
        throw new CommandError(
          'clusters/shared/cluster.yaml keeps the state on this machine',
          'set state: s3 there, and run it again',
        );
      const stacks = synth();
      requireCredentials();
      const tofu = await openTofu(platform);
      for (const stack of stacks) print(`${stack.name}: ${await migrateState(tofu, platform, stack)}`);
    },
  },
  destroy: {
    summary: 'take a cluster down in order, and prove that nothing billable stays',
    options: ['cluster', 'yes'],
    run: async (invocation) => {
      const cluster = clusterOf(invocation);
      if (cluster.deletionProtection)
        throw new SettingsError([
          settingProblem(
            repository,
            cluster.name,
            ['deletionProtection'],
            `must be false, and applied (\`make apply STACK=${cluster.name}-cluster\`), before the cluster can go`,
          ),
        ]);
      requireCredentials();
      await confirm(cluster.name, invocation.option('yes'));
      const stacks = synth().filter((stack) => stack.cluster === cluster.name);
      const tofu = await openTofu(platform);
      const certificate = await destroyCluster({
        cluster,
        stacks,
        tofu,
        initialize: async (stack) => initialize(tofu, platform, stack, stateOf()),
        progress: progressTo(),
      });
      print(
        invocation.json
          ? JSON.stringify(certificate, null, 2)
          : certificate.found.length === 0
            ? `nothing in ${certificate.accountId}, ${certificate.region}, carries a tag of ${cluster.name} any more: ${certificate.looked.join(', ')}`
            : certificate.found.join('\n'),
      );
      if (certificate.found.length > 0)
        throw new CommandError(
          `${certificate.found.length} things of ${cluster.name} are still there`,
          'delete them, and run the command again; a NAT gateway shows for an hour after its end',
        );
    },
  },
};

/**
 * Does something with one stack after the other, each made ready before. Throws for missing credentials before the
 * first.
 */
async function onEach(
  stacks: readonly SynthesizedStack[],
  act: (tofu: Tofu, stack: SynthesizedStack) => Promise<void>,
): Promise<void> {
  requireCredentials();
  const tofu = await openTofu(platform);
  for (const stack of stacks) {
    print(`\n${stack.name}`);
    await initialize(tofu, platform, stack, stateOf());
    await act(tofu, stack);
  }
}

/** Lets a person type the name of what is to go. Throws CommandError for another one. */
async function confirm(name: string, given: string | undefined): Promise<void> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const typed =
    given ??
    (await reader.question(
      `This deletes the cluster ${name}, everything that runs in it, and its network. Type its name: `,
    ));
  reader.close();
  if (typed.trim() !== name)
    throw new CommandError(
      `${JSON.stringify(typed)} is not ${name}; nothing was touched`,
      `type ${name}, or say YES=${name}`,
    );
}

function help(): string {
  const list = Object.entries(COMMANDS).map(
    ([name, { summary, options }]) =>
      `  ${name.padEnd(15)}${summary}${options.length === 0 ? '' : ` (${options.map((option) => `--${option}`).join(', ')})`}`,
  );
  return [
    'The platform on AWS: VPC, registry, EKS and Argo CD.',
    '',
    ...list,
    '',
    ...Object.values(OPTIONS).map((line) => `  ${line}`),
    '  --json          the result as JSON on standard output',
    '  --help          this text',
  ].join('\n');
}

async function main(argv: readonly string[]): Promise<void> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      cluster: text,
      stack: text,
      tag: text,
      yes: text,
      recover: text,
      id: text,
      dirty: text,
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const [name = '', ...more] = positionals;
  if (values.help === true || name === '') {
    print(help());
    return;
  }
  const command = COMMANDS[name];
  if (command === undefined || more.length > 0)
    throw new CommandError(
      `there is no command ${JSON.stringify(positionals.join(' '))}`,
      `it is one of: ${Object.keys(COMMANDS).join(', ')}`,
    );
  const stranger = (Object.keys(OPTIONS) as OptionName[]).find(
    (option) => values[option] !== undefined && !command.options.includes(option),
  );
  if (stranger !== undefined)
    throw new CommandError(`${name} takes no --${stranger}`, '--help lists commands and options');
  // make hands its variables over by the environment; those of other commands mean nothing here.
  const option = (key: OptionName): string | undefined =>
    values[key] ??
    (command.options.includes(key) && process.env[key.toUpperCase()] !== ''
      ? process.env[key.toUpperCase()]
      : undefined);
  await command.run({ json: values.json === true, option });
}

await runCommand(async () => main(process.argv.slice(2)), '--help lists commands and options');
