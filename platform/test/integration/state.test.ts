import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { freePort } from '@gitops/tools/free-port';
import { ensureTools } from '@gitops/tools/tools';
import { synthesize, type SynthesizedStack } from '../../src/app.ts';
import { migrateState } from '../../src/commands/migrate-state.ts';
import { initialize, localState, openTofu, PLAN, type Tofu } from '../../src/tofu.ts';
import { type Change, repositoryWith, setEnvironment, silent, tofu as tofuProgram } from '../platform-in-tests.ts';

// State in a bucket, with the real OpenTofu and a real S3 server; what is kept there is a resource that needs no
// provider.

/** Where a stack that was written from some settings keeps its state. */
function backendOf(name: string, changes: readonly Change[]): Record<string, object> {
  const folder = t.testdir({});
  const stack = synthesize(repositoryWith(join(folder, 'repository'), changes), join(folder, 'out')).find(
    (candidate) => candidate.name === name,
  );
  if (stack === undefined) throw new Error(`unknown stack ${name}`);
  return (
    JSON.parse(readFileSync(join(stack.folder, 'cdk.tf.json'), 'utf8')) as {
      terraform: { backend: Record<string, object> };
    }
  ).terraform.backend;
}

const STACK = 'dev-network';
const LOCAL = backendOf(STACK, []);
const IN_S3 = backendOf(STACK, [['shared', 'state: local', 'state: s3']]);
const { bucket: BUCKET } = IN_S3.s3 as { bucket: string };

/** An S3 server over a folder, ended with the test. */
async function startS3(t: Test, folder: string): Promise<string> {
  mkdirSync(join(folder, BUCKET), { recursive: true });
  const { bin } = await ensureTools(silent, { verify: false, builds: ['s3'] });
  const port = await freePort();
  const child = spawn(
    join(bin, 'versitygw'),
    [
      '--access',
      'key',
      '--secret',
      'a-secret-of-the-test',
      '--region',
      'us-east-1',
      '--port',
      `127.0.0.1:${port}`,
      '--quiet',
      'posix',
      folder,
    ],
    { stdio: 'ignore' },
  );
  t.teardown(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the S3 server ended with ${child.exitCode}`);
    // Any answer will do, a refusal as well.
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      return url;
    await sleep(20);
  }
}

interface Place {
  readonly platform: string;
  readonly stack: SynthesizedStack;
  readonly tofu: Tofu;
  /** The stack as `state` has it; with what it holds. */
  write(state: 'local' | 's3', input: string, command?: string): void;
}

async function open(t: Test): Promise<Place> {
  const root = t.testdir({});
  const url = await startS3(t, join(root, 'buckets'));
  const platform = join(root, 'platform');
  const stack: SynthesizedStack = {
    name: STACK,
    folder: join(platform, 'cdktf.out/stacks', STACK),
    after: [],
    cluster: 'dev',
  };
  mkdirSync(stack.folder, { recursive: true });
  // There is no IAM behind these keys that could be asked.
  const withoutIam = {
    skip_credentials_validation: true,
    skip_requesting_account_id: true,
    skip_metadata_api_check: true,
    use_path_style: true,
  };
  setEnvironment(t, {
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'a-secret-of-the-test',
    AWS_ENDPOINT_URL_S3: url,
    TOFU: await tofuProgram(),
    HOME: root,
    TF_CLI_CONFIG_FILE: join(root, 'settings.tofurc'),
  });
  // Whoever runs the tests may have settings of their own.
  writeFileSync(join(root, 'settings.tofurc'), '');
  return {
    platform,
    stack,
    tofu: await openTofu(platform),
    write: (state, input, command) => {
      const backend = state === 's3' ? { s3: { ...IN_S3.s3, ...withoutIam } } : LOCAL;
      const provisioner =
        command === undefined ? {} : { provisioner: [{ 'local-exec': { command } }], triggers_replace: [input] };
      writeFileSync(
        join(stack.folder, 'cdk.tf.json'),
        JSON.stringify({ terraform: { backend }, resource: { terraform_data: { vpc: { input, ...provisioner } } } }),
      );
    },
  };
}

const apply = async ({ tofu, stack }: Place): Promise<void> => {
  await tofu.capture(stack, ['apply', '-input=false', '-auto-approve', '-no-color']);
};
/** The state as the bucket has it. */
async function pulled({ tofu, platform, stack }: Place): Promise<string> {
  await initialize(tofu, platform, stack, 's3');
  return tofu.capture(stack, ['state', 'pull']);
}
const inBucket = ({ platform }: Place): string[] =>
  readdirSync(join(platform, '../buckets', BUCKET))
    .filter((name) => name.startsWith('dev-'))
    .sort();

t.test('state moves from this machine to the bucket, once, and everything is as it was', async (t) => {
  const place = await open(t);
  const { platform, stack, tofu } = place;
  place.write('local', 'hello');
  await initialize(tofu, platform, stack, 'local');
  await apply(place);
  const before = JSON.parse(readFileSync(localState(platform, stack.name), 'utf8')) as { resources: unknown[] };

  place.write('s3', 'hello');
  await t.rejects(initialize(tofu, platform, stack, 's3'), {
    message: /the settings keep state in S3, but the state of dev-network is still in platform\/state/,
    next: 'run `make migrate-state`',
  });
  t.equal(await migrateState(tofu, platform, stack), 'moved');
  t.same(inBucket(place), ['dev-network.tfstate']);
  t.same((JSON.parse(await pulled(place)) as { resources: unknown[] }).resources, before.resources);
  t.notOk(existsSync(localState(platform, stack.name)));
  t.ok(existsSync(`${localState(platform, stack.name)}.migrated`), 'a copy stays');

  await initialize(tofu, platform, stack, 's3');
  await tofu.capture(stack, ['plan', '-detailed-exitcode', '-input=false', '-no-color']);
  t.equal(await migrateState(tofu, platform, stack), 'has no state', 'again is harmless');
});

t.test('an interrupted move continues, and one onto another state is refused', async (t) => {
  const place = await open(t);
  const { platform, stack, tofu } = place;
  place.write('local', 'hello');
  await initialize(tofu, platform, stack, 'local');
  await apply(place);
  const file = localState(platform, stack.name);
  const state = readFileSync(file, 'utf8');
  place.write('s3', 'hello');
  await migrateState(tofu, platform, stack);

  writeFileSync(file, state);
  t.equal(
    await migrateState(tofu, platform, stack),
    'already moved',
    'it had arrived, and the file had not been put away',
  );

  writeFileSync(file, state.replaceAll('hello', 'another'));
  await t.rejects(migrateState(tofu, platform, stack), {
    message: 'the bucket has another state of dev-network than platform/state',
  });
  t.ok(existsSync(file), 'and nothing is taken away');
});

t.test('of two applies at once the second is refused by the lock; a plan needs none', async (t) => {
  const place = await open(t);
  const { platform, stack, tofu } = place;
  const gate = join(platform, 'gate');
  place.write('s3', 'one', `touch '${gate}.reached'; while [ ! -e '${gate}' ]; do sleep 0.05; done`);
  await initialize(tofu, platform, stack, 's3');
  const first = apply(place);
  while (!existsSync(`${gate}.reached`)) await sleep(20);
  t.same(inBucket(place), ['dev-network.tfstate.tflock']);
  await t.rejects(apply(place), { message: 'dev-network: apply failed' });
  await tofu.capture(stack, PLAN);
  t.same(inBucket(place), ['dev-network.tfstate.tflock'], 'a plan waits for nobody and leaves no lock');
  writeFileSync(gate, '');
  await first;
  t.same(inBucket(place), ['dev-network.tfstate'], 'the lock goes with who had it');
});
