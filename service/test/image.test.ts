import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
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
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, matchesGlob } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { dockerProblem, sourceURL } from '../image.ts';
import { readConfig } from '../src/config.ts';
import { timings } from '../src/timings.ts';

const root = join(import.meta.dirname, '../..');
const service = join(root, 'service');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const { packageManager, devDependencies } = JSON.parse(read('package.json')) as {
  packageManager: string;
  devDependencies: Readonly<Record<string, string>>;
};
const { PORT, ADMIN_PORT } = readConfig({});
const ports = { api: PORT, admin: ADMIN_PORT };

// --- The Dockerfile
// -------------------------------------------------------------------------------------------------------

interface Instruction {
  readonly name: string;
  readonly text: string;
}

const instructions: readonly Instruction[] = read('service/Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => ({ name: line.slice(0, line.indexOf(' ')), text: line.slice(line.indexOf(' ') + 1) }));
const stages: Instruction[][] = [];
for (const instruction of instructions) {
  if (instruction.name === 'FROM') stages.push([]);
  stages.at(-1)?.push(instruction);
}
const final = stages.at(-1) ?? [];
const texts = (stage: readonly Instruction[], name: string): string[] =>
  stage.filter((instruction) => instruction.name === name).map(({ text }) => text);
const [node = '', ...command] = JSON.parse(texts(final, 'ENTRYPOINT')[0] ?? '[]') as string[];
const user = texts(final, 'USER')[0] ?? '';

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

/** A process's output, as it comes. */
function gather(child: ChildProcess): { holds: (pattern: RegExp) => Promise<string>; errors: () => string } {
  let [out, errors] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  return {
    async holds(pattern) {
      for (let tries = 0; tries < 1000; tries += 1) {
        const found = pattern.exec(out)?.[1];
        if (found !== undefined) return found;
        if (child.exitCode !== null) break;
        await sleep(10);
      }
      throw new Error(`no ${String(pattern)} in:\n${out}${errors}`);
    },
    errors: () => errors,
  };
}

// --- image.ts
// -------------------------------------------------------------------------------------------------------------

/** Runs image.ts with a docker of our own. */
function imageScript(
  docker: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { status: number | null; stdout: string; stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), 'docker-'));
  try {
    writeFileSync(join(folder, 'docker'), `#!/bin/sh\n${docker}\n`, { mode: 0o755 });
    return spawnSync(process.execPath, [join(service, 'image.ts'), ...args], {
      encoding: 'utf8',
      env: {
        ...process.env,
        BUILD_IMAGE: undefined,
        RUNTIME_IMAGE: undefined,
        SOURCE_DATE_EPOCH: undefined,
        PATH: `${folder}${delimiter}${process.env.PATH ?? ''}`,
        ...env,
      },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// Tells its arguments on standard error, a line each, and answers as a registry would.
const DIGEST = `sha256:${'a'.repeat(64)}`;
const docker = `[ "$2" = build ] || exit 0
printf '%s\\n' "$@" >&2
while [ "$1" != --metadata-file ]; do shift; done
echo '{"containerimage.digest":"${DIGEST}"}' > "$2"`;

t.test('image.ts builds with all that the image says of itself', (t) => {
  const { status, stdout, stderr } = imageScript(
    docker,
    ['--tag', '1.2.3', '--also', 'dev-7', '--registry', 'registry.example.com/team', '--push', '--json'],
    { SOURCE_DATE_EPOCH: '1700000000', RUNTIME_IMAGE: 'runtime@sha256:1' },
  );
  t.equal(status, 0, stderr);
  const image = JSON.parse(stdout) as { commit: string };
  t.match(image, {
    reference: `registry.example.com/team/fastify-service:1.2.3@${DIGEST}`,
    tag: '1.2.3',
    digest: DIGEST,
    created: '2023-11-14T22:13:20.000Z',
  });
  t.match(image.commit, /^[0-9a-f]{40}(-dirty)?$/);
  const lines = stderr.split('\n');
  for (const line of [
    '--push',
    '--provenance=false',
    'registry.example.com/team/fastify-service:1.2.3',
    'registry.example.com/team/fastify-service:dev-7',
    'VERSION=1.2.3',
    `COMMIT=${image.commit}`,
    'CREATED=2023-11-14T22:13:20.000Z',
    'SOURCE_DATE_EPOCH=1700000000',
    'RUNTIME_IMAGE=runtime@sha256:1',
  ])
    t.ok(lines.includes(line), line);
  t.notMatch(stderr, 'BUILD_IMAGE=', 'what is not given is left to the Dockerfile');
  t.end();
});

t.test('image.ts without options names the image by its commit, and pushes nothing', (t) => {
  const { stdout, stderr } = imageScript(docker, []);
  t.match(stdout, /^fastify-service:[0-9a-f]{12}(-dirty)?\n$/);
  t.ok(stderr.split('\n').includes('--load'));
  t.end();
});

t.test('image.ts says what is wrong and what to do', (t) => {
  for (const [what, script, args, message] of [
    ['no daemon', 'exit 1', [], 'error: no Docker daemon answers\n next: '],
    ['no buildx', '[ "$1" = info ]', [], 'error: Docker has no buildx\n next: '],
    ['a failed build', '[ "$2" != build ]', [], 'error: docker could not build the image\n next: '],
    ['a tag that names nothing', docker, ['--tag', 'latest'], 'error: --tag latest names no version\n next: '],
    ['a tag that is none', docker, ['--tag=-x y'], 'error: --tag must be up to 128 letters'],
    ['another tag that is none', docker, ['--also', 'x y'], 'error: --also must be up to 128 letters'],
    ['an unknown option', docker, ['--what'], 'error: Unknown option'],
    ['a push to nowhere', docker, ['--push'], 'error: --push needs --registry\n next: '],
    ['a registry that is none', docker, ['--registry', 'https://x'], 'error: --registry "https://x" is none\n next: '],
  ] as const) {
    const { status, stdout, stderr } = imageScript(script, args);
    t.equal(status, 1, what);
    t.equal(stdout, '', what);
    t.ok(stderr.startsWith(message), `${what}: ${stderr}`);
  }
  t.end();
});

t.test('the source in the label has no password of CI', (t) => {
  t.equal(sourceURL('https://bot:secret@git.example.com/team/platform.git'), 'https://git.example.com/team/platform');
  t.equal(sourceURL('git@git.example.com:team/platform.git'), undefined);
  t.equal(sourceURL(''), undefined);
  t.end();
});

// --- docker-compose.yml
// ---------------------------------------------------------------------------------------------------

t.test('docker-compose.yml runs the image as the chart does, and Prometheus beside it', (t) => {
  // The package that reads the clusters' files; the service itself needs no YAML.
  const { parse } = createRequire(join(root, 'packages/manifests/package.json'))('yaml') as {
    parse: (text: string) => unknown;
  };
  const { services } = parse(read('service/docker-compose.yml')) as {
    services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  t.match(services.service, {
    user,
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    ports: [ports.api, ports.admin].map((port) => `127.0.0.1:${port}:${port}`),
  });
  t.ok(
    Number.parseInt(String(services.service?.stop_grace_period)) > timings.drain + timings.close,
    'it is not killed while it drains and closes',
  );
  t.match(services.prometheus, { image: /^prom\/prometheus:v\d+\.\d+\.\d+$/, ports: ['127.0.0.1:9091:9090'] });
  t.match(parse(read('service/prometheus.yml')), {
    global: { scrape_interval: '5s' },
    scrape_configs: [{ static_configs: [{ targets: [`service:${ports.admin}`] }] }],
  });
  t.end();
});

// --- The real thing
// -------------------------------------------------------------------------------------------------------

const problem = dockerProblem();
t.test(
  'the image, built and run by Docker',
  { skip: problem !== undefined && `the image was not built and run: ${problem.message}` },
  async (t) => {
    // Base images and packages may have to come over the network first.
    t.setTimeout(600_000);
    const cli = (...args: string[]): string => {
      const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`docker ${args.join(' ')}\n${stderr}`);
      return stdout.trim();
    };
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(service, 'image.ts'), '--tag', `test-${process.pid}`],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(stderr);
    const reference = stdout.trim();
    const publish = Object.values(ports).flatMap((port) => ['--publish', `127.0.0.1::${port}`]);
    const id = cli(
      'run',
      '--detach',
      '--read-only',
      '--cap-drop',
      'ALL',
      '--security-opt',
      'no-new-privileges',
      '--memory',
      '256m',
      '--env',
      'DRAIN_SECONDS=0',
      ...publish,
      reference,
    );
    t.teardown(() => {
      cli('rm', '--force', '--volumes', id);
      cli('image', 'rm', reference);
    });

    const ready = `http://${cli('port', id, String(ports.admin))}/readyz`;
    const answers = async (): Promise<boolean> =>
      fetch(ready).then(
        ({ ok }) => ok,
        () => false,
      );
    for (let tries = 0; tries < 300 && !(await answers()); tries += 1) await sleep(100);
    t.ok(await answers(), 'ready, with a root that cannot be written');
    t.equal((await fetch(`http://${cli('port', id, String(ports.api))}/v1/networks/10.0.0.0/16`)).status, 200);
    t.throws(() => cli('exec', id, 'sh', '-c', 'true'), 'no shell');
    cli('stop', id);
    t.equal(cli('inspect', '--format', '{{.State.ExitCode}}', id), '0', 'ends in order on SIGTERM');
  },
);
if (problem === undefined) t.setTimeout(600_000);
