import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { readServiceDockerfile } from '@gitops/images/service-image';
import { progressTo } from '@gitops/report/progress';
import { cacheFolder, ensureTools } from '@gitops/tools/tools';
import { command, KEYS as AWS_KEYS, repository } from '../command-in-tests.ts';
import type { Answer } from '../fake-programs.ts';

const PINNED = `@sha256:${'b'.repeat(64)}`;
/** Credentials, and base images by digest. */
const KEYS = { ...AWS_KEYS, RUNTIME_IMAGE: `127.0.0.1:1/runtime${PINNED}`, BUILD_IMAGE: `node:26${PINNED}` };

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
  'an image is built for every kind of node, with its labels, and pushed with its version and the next slot',
  (t) => {
    const { status, stdout, stderr, programs } = command(t, 'image --docker --tag 0.2.0', {
      env: KEYS,
      answers: [
        absent,
        ...commit,
        { program: 'git', to: 'rev-list', stdout: '37\n' },
        { program: 'aws', to: 'get-login-password', stdout: 'password' },
      ],
    });
    t.equal(status, 0, stderr);
    const registry = '111111111111.dkr.ecr.us-east-1.amazonaws.com';
    t.equal(stdout, `${registry}/fastify-service:0.2.0@sha256:${'0'.repeat(64)}\n`);
    const calls = programs.calls();
    t.match(calls, [
      /^git -C .* status --porcelain$/,
      'aws ecr describe-images --registry-id 111111111111 --region us-east-1 --repository-name fastify-service --image-ids imageTag=0.2.0 --query imageDetails[0].imageDigest --output text',
      'aws ecr get-login-password --region us-east-1',
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
      '--platform linux/amd64,linux/arm64',
      '--build-arg VERSION=0.2.0',
      `--build-arg COMMIT=${'a'.repeat(40)}`,
      '--build-arg CREATED=2023-11-14T22:13:20.000Z',
    ])
      t.ok(build.includes(part), part);
    t.end();
  },
);

t.test('without Docker it is assembled with the same labels, platforms and tags, with a password of ECR', async (t) => {
  // The programs below find it in the cache; there is no Go among them.
  await ensureTools(progressTo(), { verify: false, builds: ['images'] });
  const { status, stderr, programs } = command(t, 'image --tag 0.2.0', {
    env: { ...KEYS, XDG_CACHE_HOME: dirname(cacheFolder()) },
    programs: ['aws', 'git'],
    answers: [absent, ...commit],
  });
  t.equal(status, 1);
  // What is assembled is proved in service/test/integration/assembled-image.test.ts.
  t.match(
    stderr,
    /base image 127\.0\.0\.1:1\/runtime@sha256:b+: [^]*error: the image was not built or not pushed\n next: /,
  );
  t.ok(programs.calls().includes('aws ecr get-login-password --region us-east-1'));
});

t.test('a release that runs again finds the image of its commit, and hands it to the next steps', (t) => {
  const output = join(t.testdir({ output: '' }), 'output');
  const digest = `sha256:${'1'.repeat(64)}`;
  const { status, stderr, programs } = command(t, `image --tag ${'a'.repeat(40)}`, {
    env: { ...KEYS, GITHUB_OUTPUT: output },
    answers: [...commit, { program: 'aws', to: 'describe-images', stdout: `${digest}\n` }],
  });
  t.equal(status, 0, stderr);
  t.notOk(programs.calls().some((call) => call.startsWith('docker')));
  t.equal(
    readFileSync(output, 'utf8'),
    `tag=${'a'.repeat(40)}\ndigest=${digest}\nplatforms=linux/amd64,linux/arm64\nrepository=111111111111.dkr.ecr.us-east-1.amazonaws.com/fastify-service\n`,
  );
  t.end();
});

t.test('the image of a preview goes to a repository of its own, with its commit as the only tag', (t) => {
  const output = join(t.testdir({ output: '' }), 'output');
  const tag = 'a'.repeat(40);
  const { status, stderr, programs } = command(t, `image --docker --preview 12 --tag ${tag}`, {
    env: { ...KEYS, GITHUB_OUTPUT: output },
    answers: [absent, ...commit, { program: 'aws', to: 'get-login-password', stdout: 'password' }],
  });
  t.equal(status, 0, stderr);
  const calls = programs.calls();
  const name = '111111111111.dkr.ecr.us-east-1.amazonaws.com/preview/fastify-service';
  t.ok(calls.some((call) => call.includes('describe-images') && call.includes(' preview/fastify-service ')));
  t.notOk(calls.some((call) => call.includes('rev-list')));
  t.match(calls.at(-1), `--tag ${name}:${tag} --metadata-file`);
  const outputs = readFileSync(output, 'utf8');
  t.ok(outputs.includes(`repository=${name}\n`) && outputs.includes('url=http://pr-12.preview.dev.example.com\n'));

  const refusals: readonly (readonly [args: string, changes: string, expected: RegExp])[] = [
    ['image --preview 12 --tag 0.2.0', '', /^error: TAG: must be the commit that is checked out, .*\n next: TAG=a{40}/],
    [
      `image --preview 12 --dirty --tag ${tag}`,
      ' M service/src/main.ts\n',
      /^error: the work tree has uncommitted changes/,
    ],
    [`image --preview $(id) --tag ${tag}`, '', /^error: --preview: must be the number of a pull request/],
    [`image --preview 0 --tag ${tag}`, '', /^error: --preview: must be the number of a pull request/],
  ];
  for (const [args, changes, expected] of refusals) {
    const refused = command(t, args, {
      answers: [absent, { program: 'git', to: 'status', stdout: changes }, ...commit],
    });
    t.match(refused.stderr, expected, args);
    t.notOk(refused.programs.calls().some((call) => call.startsWith('docker')));
  }
  t.end();
});

t.test('a build that fails is reported with the output of Docker', (t) => {
  const { status, stderr } = command(t, 'image --docker --tag 0.2.0', {
    env: KEYS,
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
      command(t, 'image --tag 0.2.0', { env: KEYS }).stderr,
      /fastify-service:0\.2\.0 already exists, and versions are never overwritten/,
    );
    t.match(
      command(t, 'image --tag 0.2.0', {
        env: KEYS,
        answers: [absent, { program: 'git', to: 'status', stdout: ' M service/src/main.ts\n' }],
      }).stderr,
      /^error: the work tree has uncommitted changes/,
    );
    for (const [dirty, expected] of [
      ['yes', 0],
      ['1', 0],
      ['0', 1],
      ['no', 1],
    ] as const)
      t.equal(
        command(t, 'image --docker --tag 0.2.0', {
          env: { ...KEYS, DIRTY: dirty },
          answers: [absent, ...commit, { program: 'git', to: 'status', stdout: ' M x\n' }],
        }).status,
        expected,
        `DIRTY=${dirty}`,
      );
    t.match(
      command(t, 'image --docker --tag 0.2.0', { env: KEYS, programs: ['aws', 'git'], answers: [absent] }).stderr,
      /^error: docker is needed and not on the PATH/,
    );
    t.match(command(t, 'image --tag dev-1').stderr, /^error: dev-1 looks like a tag of the cluster dev/);
    for (const tag of ['latest', '-x', 'a b'])
      t.match(
        command(t, 'image', { env: { ...KEYS, TAG: tag } }).stderr,
        /^error: TAG: (latest is not a version|must be up to 128 letters)/,
      );
    t.end();
  },
);

t.test('a base image without a digest is refused before anything is built', (t) => {
  const refused = (args: string, images: NodeJS.ProcessEnv): string => {
    const { status, stderr, programs } = command(t, args, { env: { ...AWS_KEYS, ...images }, answers: [absent] });
    t.equal(status, 1);
    t.notOk(programs.calls().some((call) => /^docker|get-login-password/.test(call)));
    return stderr;
  };
  const { base, builders } = readServiceDockerfile(repository);
  const isPinned = [base, ...builders].every((image) => image.includes('@sha256:'));
  if (!isPinned) t.match(refused('image --tag 0.2.0', {}), `error: ${base}: a base image without a digest`);
  const digest = `runtime${PINNED}`;
  for (const image of ['runtime:1', 'runtime', `${digest}0`, 'layout:/folder'])
    t.match(
      refused('image --tag 0.2.0', { RUNTIME_IMAGE: image }),
      `error: ${image}: a base image without a digest, whose tag may move\n next: merge Renovate's pull request`,
    );
  const withDocker = 'image --docker --tag 0.2.0';
  t.match(refused(withDocker, { RUNTIME_IMAGE: digest, BUILD_IMAGE: 'node:26' }), 'error: node:26: a base image');
  t.match(refused(withDocker, { RUNTIME_IMAGE: 'runtime:1', BUILD_IMAGE: 'node:26' }), 'runtime:1 and node:26: ');
  t.end();
});
