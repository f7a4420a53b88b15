import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  command,
  devDependencies,
  final,
  gather,
  instructions,
  node,
  packageManager,
  ports,
  read,
  service,
  stages,
  texts,
  user,
} from './fixtures/dockerfile.ts';
import { buildEnvironment, contextFiles, copyContext, letsThrough, programs, replay, tree } from './fixtures/replay.ts';

/** What Renovate pins an image to. */
const DIGEST = /@sha256:[0-9a-f]{64}$/;

t.test(
  'the Dockerfile: base images are build arguments, and what is run in the end has no shell and no rights',
  (t) => {
    const preset = (name: string): string =>
      new RegExp(`^${name}=(.*)$`).exec(
        texts(instructions, 'ARG').find((text) => text.startsWith(`${name}=`)) ?? '',
      )?.[1] ?? '';
    t.same(
      texts(instructions, 'FROM').map((text) => text.replace(/^--platform=\S+ /, '')),
      ['${BUILD_IMAGE} AS build', '${RUNTIME_IMAGE}'],
    );
    t.equal(
      preset('BUILD_IMAGE').replace(DIGEST, ''),
      `node:${devDependencies.node ?? ''}-trixie-slim`,
      'the Node.js that the workspace has',
    );
    t.match(
      preset('RUNTIME_IMAGE').replace(DIGEST, ''),
      new RegExp(`/nodejs${devDependencies.node?.split('.')[0] ?? ''}-debian13:nonroot$`),
    );

    t.same(
      final.filter(({ name }) => ['RUN', 'SHELL', 'ADD', 'CMD', 'HEALTHCHECK'].includes(name)),
      [],
    );
    t.match(user, /^[1-9][0-9]*:[1-9][0-9]*$/);
    const deployment = read('charts/fastify-service/templates/deployment.yaml');
    t.equal(
      user,
      `${/runAsUser: (\d+)/.exec(deployment)?.[1] ?? ''}:${/runAsGroup: (\d+)/.exec(deployment)?.[1] ?? ''}`,
      'who it is in the chart',
    );
    t.same(texts(final, 'EXPOSE'), [`${ports.api} ${ports.admin}`]);
    t.same(texts(final, 'STOPSIGNAL'), ['SIGTERM']);
    t.end();
  },
);

t.test('the image starts as `pnpm start` does', (t) => {
  const { scripts } = JSON.parse(read('service/package.json')) as { scripts: Readonly<Record<string, string>> };
  t.equal(node, '/nodejs/bin/node');
  t.equal(scripts.start, `node ${command.join(' ').replace(/main\.js$/, 'dist/main.js')}`);
  t.equal(scripts.prestart, 'node build.ts', 'with a bundle that is just made');
  t.end();
});

t.test('the image is labelled, with the build arguments that image.ts passes', (t) => {
  const labels = [...(texts(final, 'LABEL')[0] ?? '').matchAll(/org\.opencontainers\.image\.(\w+)="([^"]+)"/g)].map(
    ([, name, value]) => [name, value],
  );
  t.match(Object.fromEntries(labels), {
    title: '${NAME}',
    description: /\w/,
    source: '${SOURCE}',
    version: '${VERSION}',
    revision: '${COMMIT}',
    created: '${CREATED}',
    licenses: 'Apache-2.0',
  });
  t.same(
    stages.map((stage) => texts(stage, 'ARG').map((text) => text.replace(/=.*$/, ''))),
    [
      ['SERVICE', 'VERSION', 'COMMIT', 'CREATED'],
      ['NAME', 'DESCRIPTION', 'VERSION', 'COMMIT', 'CREATED', 'SOURCE'],
    ],
  );
  t.end();
});

// --- The build context
// ----------------------------------------------------------------------------------------------------

t.test('the build context holds what the Dockerfile copies, nothing else and nothing secret', (t) => {
  const sources = texts(instructions, 'COPY')
    .filter((text) => !text.startsWith('--from'))
    .flatMap((text) => text.split(' ').slice(0, -1));
  const files = contextFiles();
  for (const source of sources)
    t.ok(
      files.some((file) => file === source || file.startsWith(`${source}/`)),
      source,
    );
  t.same(
    files.filter((file) => !sources.some((source) => file === source || file.startsWith(`${source}/`))),
    [],
  );
  for (const path of [
    '.env',
    '.git/config',
    '.local/accounts.json',
    '.npmrc',
    'README.md',
    'service/.env',
    'service/src/.env',
    'service/src/.env.local',
    'service/src/x/.npmrc',
    'service/test/image.test.ts',
    'service/dist/main.js',
    'service/node_modules/x',
    'packages/subnets/node_modules/x',
    'clusters/x.yaml',
  ]) {
    t.notOk(letsThrough(path), path);
  }
  t.end();
});

// --- The build, without Docker
// --------------------------------------------------------------------------------------------

t.test('the Dockerfile, carried out without Docker', async (t) => {
  // Not below this repository, where Node.js would find packages and a package.json that the image does not have.
  const folder = mkdtempSync(join(tmpdir(), 'image-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const [context, built, image] = ['context', 'built', 'image'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  copyContext(context);
  const bin = programs(join(folder, 'bin'));
  const { VERSION, COMMIT } = process.env;
  const env = buildEnvironment(bin);
  const buildArgs = { VERSION, COMMIT, CREATED: '2023-11-14T22:13:20.000Z' };
  replay(stages[0] ?? [], { image: built, from: context, buildArgs, env });
  replay(final, { image, from: built, buildArgs, env });

  t.equal(
    readFileSync(join(bin, 'npm-was-asked'), 'utf8'),
    `install --global ${packageManager}\n`,
    'brings pnpm in the version of the workspace',
  );
  t.notOk(existsSync(join(built, 'workspace/node_modules/typescript')), 'and not the development tools');
  const app = tree(join(image, 'app'));
  const dist = tree(join(service, 'dist'));
  t.same(Object.keys(app), Object.keys(dist), 'the image holds the files of dist/');
  for (const [file, content] of Object.entries(app))
    t.ok(dist[file]?.equals(content), `${file} is the same to the byte (of dist/ as \`node build.ts\` last made it)`);
  t.equal(
    statSync(join(image, 'app/main.js')).mtimeMs,
    Date.parse(buildArgs.CREATED),
    'with the time of the commit, however late it is built',
  );

  await t.test('the image runs, and ends in order', async (t) => {
    const child = spawn(process.execPath, command, {
      cwd: join(image, 'app'),
      env: { NODE_ENV: 'production', HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', DRAIN_SECONDS: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const output = gather(child);
    const ended = once(child, 'close');
    const admin = await output.holds(/"admin port at ([^"]+)"/);
    await output.holds(/"API at ([^"]+)"/);
    t.equal((await fetch(`${admin}/readyz`)).status, 200);
    t.equal((await fetch(`${admin}/docs/swagger-ui.css`)).status, 200, 'with the files beside the bundle');
    child.kill('SIGTERM');
    t.same(await ended, [0, null]);
    t.equal(output.errors(), '', 'nothing on standard error');
  });
});
