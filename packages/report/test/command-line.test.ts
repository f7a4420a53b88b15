import t, { type Test } from 'tap';
import { command, execute, type Program } from '../src/command-line.ts';
import { CommandError } from '../src/errors.ts';
import { choice, flag, integer, text } from '../src/options.ts';

const loaded: string[] = [];
let got: unknown;
let listed = 0;

const ship = command({
  summary: 'ship a version',
  options: {
    tag: text('the version', {
      placeholder: 'TAG',
      example: '0.2.0',
      isRequired: true,
      problem: (tag) => (tag === 'latest' ? 'latest is not a version' : undefined),
    }),
    cluster: choice('a cluster', () => {
      listed += 1;
      return ['dev', 'production'];
    }),
    replicas: integer('how many', { least: 1, most: 9 }),
    yes: flag('do not ask'),
    dryRun: flag('change nothing'),
  },
  without: { app: 'it ships everything' },
  run: ({ options, json }) => {
    // The types follow from the declaration.
    const typed: {
      tag: string;
      cluster: string | undefined;
      replicas: number | undefined;
      yes: boolean;
    } = options;
    got = { ...typed, json };
    return Promise.resolve();
  },
});

const find = command({
  summary: 'find problems',
  options: { key: text('what to look for', { placeholder: 'KEY', isArgument: true }) },
  run: ({ options: { key }, print, fail }) => {
    if (key === 'error') throw new CommandError('no luck', 'try again');
    if (key === 'bug') throw new TypeError('x is not a function');
    print('one');
    if (key !== 'nothing') fail('1 problem');
    print('two');
    return Promise.resolve();
  },
});

const program: Program = {
  file: 'packages/x/src/main.ts',
  summary: 'An example.',
  commands: {
    ship: () => {
      loaded.push('ship');
      return Promise.resolve({ default: ship });
    },
    find: () => {
      loaded.push('find');
      return Promise.resolve({ default: find });
    },
  },
  environment: { 'AWS_*': 'credentials' },
  advice: 'look at the logs',
};

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(t: Test, line: string | readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  got = undefined;
  const out = t.capture(process.stdout, 'write', () => true);
  const err = t.capture(process.stderr, 'write', () => true);
  try {
    const code = await execute(program, typeof line === 'string' ? line.split(' ') : line, env);
    const textOf = (written: typeof out): string =>
      written()
        .map(({ args: [chunk] }) => String(chunk))
        .join('');
    return { code, stdout: textOf(out), stderr: textOf(err) };
  } finally {
    out.restore();
    err.restore();
  }
}

/** A command line that is refused: exit code 2, nothing ran, and these lines on standard error. */
async function refused(t: Test, line: string, stderr: RegExp, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const result = await run(t, line, env);
  t.match(result, { code: 2, stdout: '', stderr }, `${line} ${JSON.stringify(env)}`);
  t.equal(got, undefined, 'nothing ran');
}

t.test('options come typed, from the command line first and from their variables then', async (t) => {
  await run(t, 'ship --tag 1.0 --cluster dev --replicas 3 --yes --json');
  t.strictSame(got, { tag: '1.0', cluster: 'dev', replicas: 3, yes: true, dryRun: false, json: true });
  await run(t, 'ship', { TAG: '1.0', CLUSTER: 'dev', REPLICAS: '3', YES: 'yes', DRY_RUN: '1', JSON: '1', KEY: 'x' });
  t.strictSame(got, { tag: '1.0', cluster: 'dev', replicas: 3, yes: true, dryRun: true, json: false });
  listed = 0;
  await run(t, 'ship --tag=2.0', { TAG: '1.0', CLUSTER: '', REPLICAS: '' });
  t.strictSame(got, { tag: '2.0', cluster: undefined, replicas: undefined, yes: false, dryRun: false, json: false });
  t.equal(listed, 0, 'the allowed values are listed only for a value');
  t.match(await run(t, 'find nothing'), { code: 0 });
  t.match(await run(t, 'find --key nothing'), { code: 0 });
  t.match(await run(t, 'find', { KEY: 'nothing' }), { code: 0 });
  t.match(await run(t, 'find error', { KEY: 'nothing' }), { code: 1 }, 'an argument too goes first');
});

t.test(
  'a switch is on for yes, true and 1, off for no, false, 0 and nothing, and refused for anything else',
  async (t) => {
    for (const [value, isOn] of [
      ['yes', true],
      ['true', true],
      ['1', true],
      ['no', false],
      ['false', false],
      ['0', false],
      ['', false],
      [undefined, false],
    ] as const) {
      await run(t, 'ship --tag 1', { YES: value });
      t.match(got, { yes: isOn }, String(value));
      await run(t, 'ship --tag 1 --yes', { YES: value });
      t.match(got, { yes: true }, `${String(value)}, --yes`);
      await run(t, 'ship --tag 1 --no-yes', { YES: value });
      t.match(got, { yes: false }, `${String(value)}, --no-yes`);
    }
    for (const value of ['dev', 'y', 'on', ' yes'])
      await refused(t, 'ship --tag 1', /^error: YES: must be yes or no \(it is ".*"\)\n next: `ship --help`/, {
        YES: value,
      });
    await refused(t, 'ship --tag 1 --yes no', /^error: ship takes no argument "no"\n/);
    await refused(t, 'ship --tag 1 --yes=no', /^error: unknown option --yes=no/);
  },
);

t.test('values are checked before anything runs, and all problems are reported at once', async (t) => {
  await refused(t, 'ship', /^error: TAG \(--tag\) is missing\n next: for instance TAG=0\.2\.0\n$/);
  await refused(t, 'ship --tag latest', /^error: --tag: latest is not a version\n next: for instance --tag 0\.2\.0\n$/);
  await refused(t, 'ship', /^error: TAG: latest is not a version\n next: for instance TAG=0\.2\.0\n$/, {
    TAG: 'latest',
  });
  await refused(t, 'ship --tag', /^error: --tag needs a value\n next: `ship --help` lists its options\n$/);
  t.match(await run(t, 'ship --tag 1 --cluster prod'), {
    code: 2,
    stderr:
      'error: --cluster: unknown value "prod"; did you mean production?\n next: --cluster is one of: dev, production\n',
  });
  for (const value of ['0', '10', '1.5', 'x', '-1', '1e1'])
    await refused(t, 'ship --tag 1', /^error: REPLICAS: must be a whole number from 1 to 9/, { REPLICAS: value });
  await refused(t, 'ship', /^error: TAG \(--tag\) is missing\nerror: CLUSTER: unknown.*\nerror: YES: must/, {
    CLUSTER: 'x',
    YES: 'x',
  });
  t.match(await run(t, ['ship', '--tag', '1', '--cluster', '']), { code: 2, stderr: /^error: --cluster: is empty\n/ });
});

t.test('unknown commands, options and arguments are refused, with what was meant', async (t) => {
  await refused(t, 'shp', /^error: unknown command shp; did you mean ship\?\n next: commands: ship, find\n$/);
  await refused(t, 'deploy', /^error: unknown command deploy\n next: commands: ship, find\n$/);
  await refused(t, 'constructor', /^error: unknown command constructor\n/);
  await refused(
    t,
    'ship --tag 1 --clutser dev',
    /^error: unknown option --clutser; did you mean --cluster\?\n next: `ship --help` lists its options\n$/,
  );
  await refused(t, 'find --cluster dev', /^error: unknown option --cluster\n/);
  await refused(t, 'ship --app x', /^error: ship takes no --app; it ships everything\n/);
  await refused(t, 'ship --tag 1 x', /^error: ship takes no argument "x"\n/);
  await refused(t, 'find a b', /^error: find takes no argument "b"\n/);
  await refused(t, '--json ship', /^error: option --json stands before the command\n/);
});

t.test(
  "variables of make's command line that a command does not take are refused, those of the shell ignored",
  async (t) => {
    const env = { TAG: '1', APP: 'x', NODE: 'node', MAKEFILE_VARIABLES: 'NODE LOCAL' };
    t.match(await run(t, 'ship', env), { code: 0, stderr: '' });
    t.match(await run(t, 'ship', { ...env, MAKEFLAGS: 'k -j2 -- NODE=node TAG=1 AWS_PROFILE=x' }), {
      code: 0,
      stderr: '',
    });
    await refused(
      t,
      'ship',
      /^error: ship takes no APP; it ships everything\n next: ship takes TAG, CLUSTER, REPLICAS, YES, DRY_RUN;/,
      {
        ...env,
        MAKEFLAGS: ' -- APP=x TAG=1',
      },
    );
    await refused(t, 'ship', /^error: ship takes no CLUSTR; did you mean CLUSTER\?\n/, {
      ...env,
      MAKEFLAGS: ' -- CLUSTR=dev',
    });
    await refused(t, 'find', /^error: find takes no NODE\n/, { MAKEFLAGS: ' -- NODE=x' });
  },
);

t.test('help, of the program and of each command', async (t) => {
  for (const line of [[], '--help', '-h']) {
    const { code, stdout } = await run(t, line);
    t.equal(code, 0);
    t.equal(
      stdout,
      [
        'Usage: node packages/x/src/main.ts COMMAND [options]',
        '',
        'An example.',
        '',
        'Commands:',
        '  ship  ship a version',
        '  find  find problems',
        '',
        'COMMAND --help lists the options of a command. Each takes --json.',
        '',
        'Environment:',
        '  AWS_*  credentials',
        '',
      ].join('\n'),
    );
  }
  loaded.length = 0;
  const { code, stdout } = await run(t, 'ship --help');
  t.equal(code, 0);
  t.equal(
    stdout,
    [
      'Usage: node packages/x/src/main.ts ship [options]',
      '',
      'ship a version',
      '',
      'Options:',
      '  --tag <TAG>          the version (make: TAG=TAG, required)',
      '  --cluster <NAME>     a cluster (make: CLUSTER=NAME)',
      '  --replicas <NUMBER>  how many (make: REPLICAS=NUMBER)',
      '  --yes                do not ask (make: YES=yes)',
      '  --no-yes             the opposite; overrides YES',
      '  --dry-run            change nothing (make: DRY_RUN=yes)',
      '  --no-dry-run         the opposite; overrides DRY_RUN',
      '  --json               the result as JSON on standard output',
      '  -h, --help           this text',
      '',
      'Environment:',
      '  AWS_*  credentials',
      '',
    ].join('\n'),
  );
  t.equal(got, undefined, 'nothing ran');
  t.strictSame(loaded, ['ship'], 'only the file of this command is loaded');
  t.match((await run(t, 'find --help')).stdout, /^Usage: .* find \[options\] \[KEY\]\n[^]*--key <KEY> /);
});

t.test('exit codes: 0 done, 1 failed or found problems, 2 wrong command line', async (t) => {
  t.strictSame(await run(t, 'find nothing'), { code: 0, stdout: 'one\ntwo\n', stderr: '' });
  t.strictSame(await run(t, 'find x'), { code: 1, stdout: 'one\ntwo\n', stderr: '1 problem\n' });
  t.strictSame(await run(t, 'find error'), { code: 1, stdout: '', stderr: 'error: no luck\n next: try again\n' });
  t.strictSame(await run(t, 'find bug'), {
    code: 1,
    stdout: '',
    stderr: 'error: x is not a function\n next: look at the logs\n',
  });
  t.match(await run(t, 'fnid'), { code: 2 });
});
