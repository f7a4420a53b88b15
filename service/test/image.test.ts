import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, matchesGlob } from 'node:path';
import t from 'tap';
import {
  command,
  devDependencies,
  final,
  gather,
  type Instruction,
  instructions,
  node,
  packageManager,
  ports,
  read,
  root,
  service,
  stages,
  texts,
  user,
} from './fixtures/dockerfile.ts';

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
      preset('BUILD_IMAGE'),
      `node:${devDependencies.node ?? ''}-trixie-slim`,
      'the Node.js that the workspace has',
    );
    t.match(
      preset('RUNTIME_IMAGE'),
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
    title: 'fastify-service',
    description: /\w/,
    source: '${SOURCE}',
    version: '${VERSION}',
    revision: '${COMMIT}',
    created: '${CREATED}',
    licenses: 'Apache-2.0',
  });
  t.same(
    stages.map((stage) => texts(stage, 'ARG')),
    [
      ['VERSION', 'COMMIT', 'CREATED'],
      ['VERSION', 'COMMIT', 'CREATED', 'SOURCE'],
    ],
  );
  t.end();
});

// --- The build context
// ----------------------------------------------------------------------------------------------------

const patterns = read('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** Docker's rule: the last pattern that fits a path or one of its folders decides. */
function letsThrough(path: string): boolean {
  const parts = path.split('/');
  const fits = (pattern: string): boolean =>
    parts.some((_, index) => matchesGlob(parts.slice(0, index + 1).join('/'), pattern));
  const last = patterns.findLast((pattern) => fits(pattern.replace(/^!/, '')) || pattern === '*');
  return last?.startsWith('!') ?? true;
}

/** Every file of a folder that is let through. */
function contextFiles(folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return letsThrough(path) ? [path] : [];
    return letsThrough(path) || patterns.some((pattern) => pattern.startsWith(`!${path}/`)) ? contextFiles(path) : [];
  });
}

/** Copies the build context into a folder. */
function copyContext(folder: string): void {
  for (const file of contextFiles()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
}

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

interface Replay {
  /** Stands for the image's root. */
  readonly image: string;
  /** Where COPY takes files from. */
  readonly from: string;
  readonly buildArgs: NodeJS.ProcessEnv;
  readonly env: NodeJS.ProcessEnv;
}

/** Carries out a stage of the Dockerfile. */
function replay(stage: readonly Instruction[], { image, from, buildArgs, env }: Replay): void {
  let cwd = image;
  const args: NodeJS.ProcessEnv = {};
  const place = (path: string): string => (path.startsWith('/') ? join(image, path) : join(cwd, path));
  for (const { name, text } of stage) {
    if (name === 'WORKDIR') mkdirSync((cwd = place(text)), { recursive: true });
    if (name === 'COPY') {
      const words = text.replace(/^--from=\S+ /, '').split(' ');
      const target = words.pop() ?? '';
      for (const word of words) {
        const source = join(from, word);
        cpSync(
          source,
          target.endsWith('/') && !statSync(source).isDirectory() ? join(place(target), basename(word)) : place(target),
          { recursive: true, preserveTimestamps: true },
        );
      }
    }
    // Only what is declared is seen by the commands after it.
    if (name === 'ARG') args[text] = buildArgs[text];
    if (name === 'RUN') {
      const { status, stdout, stderr } = spawnSync('sh', ['-c', text], {
        cwd,
        env: { ...env, ...args },
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`${text}\n${stdout}${stderr}`);
    }
  }
}

/** A folder with this Node.js, and an npm that only writes down what it is asked for. */
function programs(folder: string): string {
  mkdirSync(folder);
  symlinkSync(process.execPath, join(folder, 'node'));
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\necho "$*" > "${folder}/npm-was-asked"\n`, { mode: 0o755 });
  return folder;
}

const tree = (folder: string): Record<string, Buffer> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .sort()
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => [file, readFileSync(join(folder, file))]),
  );

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
  const { PATH = '', HOME, XDG_DATA_HOME, XDG_CACHE_HOME, VERSION, COMMIT } = process.env;
  const env = {
    PATH: [bin, join(root, '.local', packageManager, 'node_modules/.bin'), PATH].join(delimiter),
    ...{ HOME, XDG_DATA_HOME, XDG_CACHE_HOME, CI: 'true' },
    // From pnpm's store, where the workspace's own packages came from: half a second, and no network.
    ...{ pnpm_config_prefer_offline: 'true', pnpm_config_trust_lockfile: 'true' },
  };
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
