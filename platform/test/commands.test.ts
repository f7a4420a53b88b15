import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { credentialSource } from '../src/credentials.ts';
import { type Answer, type FakePrograms, fakePrograms } from './fake-programs.ts';

const repository = resolve(import.meta.dirname, '../..');
const main = join(repository, 'platform/src/main.ts');
const KEYS = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly programs: FakePrograms;
}

/** A command, as make would call it, with nothing on the PATH but these programs. */
function command(
  t: Test,
  name: string,
  {
    env = KEYS,
    programs = ['aws', 'kubectl', 'docker', 'git', 'tofu'],
    answers = [],
  }: { env?: NodeJS.ProcessEnv; programs?: readonly string[]; answers?: readonly Answer[] } = {},
): Result {
  const folder = t.testdir({});
  const fake = fakePrograms(join(folder, 'bin'), programs, answers);
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...name.split(' ')], {
    encoding: 'utf8',
    env: {
      PATH: fake.folder,
      HOME: folder,
      TOFU: join(fake.folder, 'tofu'),
      CDKTF_OUTDIR: join(folder, 'out'),
      ...env,
    },
  });
  return { status, stdout, stderr, programs: fake };
}

t.test('synth lists every stack with what it has and what it comes after', (t) => {
  const { status, stdout } = command(t, 'synth --json', { env: {} });
  t.equal(status, 0);
  t.match(JSON.parse(stdout), [{ name: /^bootstrap-/, account: /^\d{12}$/, region: 'eu-central-1', after: [] }]);
  t.match(
    command(t, 'synth', { env: {} }).stdout,
    /^dev-network +111111111111 +eu-central-1 +\d+ +bootstrap-111111111111$/m,
  );
  t.end();
});

t.test('a plan without a cluster, or for one that is not there, names those that are', (t) => {
  for (const name of ['plan', 'plan --cluster local', 'plan --stack dev']) {
    const { status, stderr, programs } = command(t, name);
    t.equal(status, 1);
    t.match(stderr, / next: name one: CLUSTER=dev, CLUSTER=production, CLUSTER=staging, STACK=bootstrap-111111111111/);
    t.same(programs.calls(), []);
  }
  t.end();
});

t.test('without credentials nothing runs, and one line says what is missing', (t) => {
  for (const name of [
    'plan --cluster dev',
    'apply --cluster dev',
    'kubeconfig --cluster dev',
    'image --tag 0.2.0',
    'destroy --cluster dev --yes dev',
  ]) {
    const { status, stderr, programs } = command(t, name, { env: {} });
    t.equal(status, 1, name);
    t.match(stderr, /^error: no credentials for AWS: neither in the environment nor in ~\/\.aws\n next: log in/);
    t.same(programs.calls(), []);
  }
  t.match(
    command(t, 'plan --cluster dev', { env: { AWS_PROFILE: 'nobody' } }).stderr,
    /^error: AWS_PROFILE is nobody, and ~\/\.aws has no such profile/,
  );
  t.end();
});

t.test('credentials are found where the SDKs of AWS look', (t) => {
  const home = t.testdir({ '.aws': { credentials: '[default]\nx = 1\n', config: '[profile work]\nregion = x\n' } });
  const nobody = join(home, 'nobody');
  t.equal(credentialSource({}, nobody), undefined);
  t.equal(credentialSource({ AWS_ACCESS_KEY_ID: 'x' }, nobody), undefined, 'half of a key is none');
  t.equal(credentialSource(KEYS, nobody), 'AWS_ACCESS_KEY_ID');
  t.equal(credentialSource({ AWS_WEB_IDENTITY_TOKEN_FILE: '/x' }, nobody), 'AWS_WEB_IDENTITY_TOKEN_FILE');
  t.equal(credentialSource({}, home), 'profile default');
  t.equal(credentialSource({ AWS_PROFILE: 'work' }, home), 'profile work');
  t.equal(credentialSource({ AWS_PROFILE: 'other' }, home), undefined);
  t.equal(credentialSource({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' }, nobody), 'AWS_CONTAINER_CREDENTIALS');
  t.equal(credentialSource({ AWS_EC2_METADATA_DISABLED: 'false' }, nobody), 'the metadata of this EC2 machine');
  t.end();
});

t.test('a plan goes through the stacks of a cluster in their order; the first that fails says what it needs', (t) => {
  const whole = command(t, 'plan', { env: { ...KEYS, CLUSTER: 'dev' } });
  t.equal(whole.status, 0, whole.stderr);
  t.same(
    whole.programs.calls(),
    Array.from({ length: 3 }, () => [
      'tofu init -input=false -reconfigure',
      'tofu plan -input=false -lock=false',
    ]).flat(),
  );
  t.match(whole.stdout, /dev-network\n[^]*dev-cluster\n[^]*dev-argocd\n/);

  const broken = command(t, 'plan --cluster dev', {
    answers: [
      { program: 'tofu', to: 'plan', times: 1 },
      { program: 'tofu', to: 'plan', code: 1, stderr: 'Error: no network' },
    ],
  });
  t.equal(broken.status, 1);
  t.match(
    broken.stderr,
    /Error: no network\s*error: dev-cluster: plan failed\n next: read what it says above; a first plan needs what comes before: `make apply STACK=dev-network`/,
  );
  t.equal(broken.programs.calls().length, 4);
  t.end();
});

t.test('an apply asks, unless it is told not to', (t) => {
  t.same(command(t, 'apply --stack registry').programs.calls(), ['tofu init -input=false -reconfigure', 'tofu apply']);
  t.same(command(t, 'apply --stack registry --yes 1').programs.calls(), [
    'tofu init -input=false -reconfigure',
    'tofu apply -input=false -auto-approve',
  ]);
  t.end();
});

t.test('interrupted at the terminal, it waits until OpenTofu has written down what it did', async (t) => {
  const folder = t.testdir({
    tofu: '#!/bin/sh\n[ "$1" = apply ] || exit 0\ntrap "sleep 0.3; echo written; exit 1" INT\necho applying\nwhile :; do sleep 0.05; done\n',
  });
  chmodSync(join(folder, 'tofu'), 0o755);
  // A group of its own, as a terminal makes one for a command.
  const child = spawn(process.execPath, [main, 'apply', '--stack', 'registry', '--yes', '1'], {
    detached: true,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      TOFU: join(folder, 'tofu'),
      CDKTF_OUTDIR: join(folder, 'out'),
      ...KEYS,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (chunk.includes('applying')) process.kill(-(child.pid ?? 0), 'SIGINT');
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  t.equal(code, 1);
  t.match(output, /applying\nwritten\n[^]*error: registry: apply failed/);
});

t.test('a lock is taken off by its number', (t) => {
  t.same(command(t, 'unlock --stack registry --id 6f1d').programs.calls(), [
    'tofu init -input=false -reconfigure',
    'tofu force-unlock 6f1d',
  ]);
  t.match(
    command(t, 'unlock --stack registry').stderr,
    /^error: which lock\?\n next: give the ID that the refused apply has told/,
  );
  t.end();
});

t.test('cost lists every cluster against its budget', (t) => {
  const { status, stdout } = command(t, 'cost', { env: {} });
  t.equal(status, 0);
  for (const cluster of ['dev', 'staging', 'production'])
    t.match(stdout, new RegExp(`^${cluster} +all of it, of a budget of \\d+ +\\d+\\.\\d\\d$`, 'm'));
  t.end();
});

t.test('kubeconfig hands over to the AWS CLI, with the cluster as the name of the context', (t) => {
  t.same(command(t, 'kubeconfig --cluster dev').programs.calls(), [
    'aws eks update-kubeconfig --name dev --region eu-central-1 --alias dev',
  ]);
  t.match(
    command(t, 'kubeconfig --cluster dev', { programs: [] }).stderr,
    /^error: aws is needed and not on the PATH\n next: install the AWS CLI, version 2/,
  );
  const unknown = command(t, 'kubeconfig --cluster dev', {
    answers: [
      {
        program: 'aws',
        to: 'update-kubeconfig',
        code: 254,
        stderr: 'ResourceNotFoundException: No cluster found for name: dev.',
      },
    ],
  });
  t.equal(unknown.status, 1);
  t.match(unknown.stderr, /No cluster found for name: dev\.\n next: is the cluster there, and may you see it\?/);
  t.end();
});

const absent: Answer = {
  program: 'aws',
  to: 'describe-images',
  code: 254,
  stderr: 'An error occurred (ImageNotFoundException)',
};

// What service/image.ts asks Git of the commit.
const commit: readonly Answer[] = [
  { program: 'git', to: 'show', stdout: '1700000000\n' },
  { program: 'git', to: 'rev-parse', stdout: `${'a'.repeat(40)}\n` },
];

t.test(
  'an image is built for the nodes that there are, with all that it says of itself, and pushed under its version and the slot of the coming deployment',
  (t) => {
    const { status, stdout, stderr, programs } = command(t, 'image --tag 0.2.0', {
      answers: [
        absent,
        ...commit,
        { program: 'git', to: 'rev-list', stdout: '37\n' },
        { program: 'aws', to: 'get-login-password', stdout: 'password' },
      ],
    });
    t.equal(status, 0, stderr);
    const registry = '111111111111.dkr.ecr.eu-central-1.amazonaws.com';
    t.equal(stdout, `${registry}/fastify-service:0.2.0@sha256:${'0'.repeat(64)}\n`);
    const calls = programs.calls();
    t.match(calls, [
      /^git -C .* status --porcelain$/,
      'aws ecr describe-images --registry-id 111111111111 --region eu-central-1 --repository-name fastify-service --image-ids imageTag=0.2.0',
      'aws ecr get-login-password --region eu-central-1',
      `docker login --username AWS --password-stdin ${registry}`,
      /^git -C .* rev-list --count HEAD -- clusters\/dev\/fastify-service\.image\.yaml$/,
    ]);
    const build = calls.at(-1) ?? '';
    t.match(
      build,
      `docker buildx build --file service/Dockerfile --tag ${registry}/fastify-service:0.2.0 --tag ${registry}/fastify-service:dev-7 --metadata-file `,
    );
    for (const part of [
      '--push',
      '--platform linux/amd64',
      '--build-arg VERSION=0.2.0',
      `--build-arg COMMIT=${'a'.repeat(40)}`,
      '--build-arg CREATED=2023-11-14T22:13:20.000Z',
    ])
      t.ok(build.includes(part), part);
    t.end();
  },
);

t.test('a build that fails is told with what Docker said', (t) => {
  const { status, stderr } = command(t, 'image --tag 0.2.0', {
    answers: [absent, ...commit, { program: 'docker', to: 'buildx build', code: 1, stderr: 'ERROR: no space left' }],
  });
  t.equal(status, 1);
  t.match(
    stderr,
    /ERROR: no space left[^]*error: docker could not build the image[^]*error: the image was not built or not pushed\n next: /,
  );
  t.end();
});

t.test(
  'an image that is there, a work tree without a commit, a tag of a cluster and a missing Docker are refused',
  (t) => {
    t.match(
      command(t, 'image --tag 0.2.0').stderr,
      /fastify-service:0\.2\.0 is there already, and a version is written once/,
    );
    t.match(
      command(t, 'image --tag 0.2.0', {
        answers: [absent, { program: 'git', to: 'status', stdout: ' M service/src/main.ts\n' }],
      }).stderr,
      /^error: the work tree has changes that no commit holds/,
    );
    t.equal(
      command(t, 'image --tag 0.2.0 --dirty 1', {
        answers: [absent, ...commit, { program: 'git', to: 'status', stdout: ' M x\n' }],
      }).status,
      0,
    );
    t.match(
      command(t, 'image --tag 0.2.0', { programs: ['aws', 'git'], answers: [absent] }).stderr,
      /^error: docker is needed and not on the PATH/,
    );
    t.match(command(t, 'image --tag dev-1').stderr, /^error: dev-1 looks like a tag of the cluster dev/);
    for (const tag of ['latest', '-x', 'a b'])
      t.match(
        command(t, 'image', { env: { ...KEYS, TAG: tag } }).stderr,
        /^error: TAG: (latest names no version|must be up to 128 letters)/,
      );
    t.end();
  },
);

t.test('state is not moved while the settings keep it here', (t) => {
  t.match(
    command(t, 'migrate-state').stderr,
    /^error: clusters\/shared\/cluster\.yaml keeps the state on this machine\n next: set state: s3 there/,
  );
  t.end();
});

t.test('a protected cluster, and a name that is not typed, are left alone', (t) => {
  const production = command(t, 'destroy --cluster production --yes production');
  t.match(
    production.stderr,
    /^error: clusters\/production\/cluster\.yaml:\d+: deletionProtection: must be false, and applied \(`make apply STACK=production-cluster`\)/,
  );
  const slip = command(t, 'destroy --cluster dev --yes staging');
  t.match(slip.stderr, /^error: "staging" is not dev; nothing was touched\n next: type dev, or say YES=dev/);
  t.same([...production.programs.calls(), ...slip.programs.calls()], []);
  t.end();
});

t.test('a command or an option that is not there is told', (t) => {
  t.match(command(t, 'plans').stderr, /^error: there is no command "plans"\n next: it is one of: synth, plan/);
  t.match(command(t, 'synth --tag 1').stderr, /^error: synth takes no --tag/);
  t.match(command(t, '--help').stdout, /kubeconfig +add a cluster to your kubeconfig/);
  t.end();
});

t.test('the folder of the command line of CDKTF is respected', (t) => {
  const out = join(t.testdir({}), 'elsewhere');
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(join(dirname(out), 'x'), '');
  const { stdout } = command(t, 'synth', { env: { CDKTF_OUTDIR: out } });
  t.match(stdout, `written to ${out}/stacks`);
  t.end();
});

t.test("CDKTF's own command line starts it as make does, whatever Node.js is on the PATH", (t) => {
  const [, flags] =
    /^PLATFORM := \$\(COMPILED\) (.*) platform\/src\/main\.ts$/m.exec(
      readFileSync(join(repository, 'Makefile'), 'utf8'),
    ) ?? [];
  const { app } = JSON.parse(readFileSync(join(repository, 'platform/cdktf.json'), 'utf8')) as { app: string };
  t.equal(app, `../node_modules/.bin/node ${String(flags)} src/main.ts synth --json`);
  const out = join(t.testdir({}), 'cdktf.out');
  const { status, stderr } = spawnSync('/bin/sh', ['-c', app], {
    cwd: join(repository, 'platform'),
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', CDKTF_OUTDIR: out },
  });
  t.equal(status, 0, stderr);
  t.ok(existsSync(join(out, 'manifest.json')), 'with the manifest that it looks for');
  t.end();
});
