import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { dockerProblem } from '../image.ts';
import { timings } from '../src/timings.ts';
import { ports, read, root, service, user } from './fixtures/dockerfile.ts';

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

t.test('image.ts --docker builds with all that the image says of itself', (t) => {
  const { status, stdout, stderr } = imageScript(
    docker,
    ['--docker', '--tag', '1.2.3', '--also', 'dev-7', '--registry', 'registry.example.com/team', '--push', '--json'],
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

t.test('image.ts --docker alone names the image by version and commit, and pushes nothing', (t) => {
  const { stdout, stderr } = imageScript(docker, ['--docker']);
  const { version } = JSON.parse(read('service/package.json')) as { version: string };
  t.match(stdout, new RegExp(`^fastify-service:${version}-[0-9a-f]{7}(-dirty)?\\n$`));
  t.ok(stderr.split('\n').includes('--load'));
  t.end();
});

t.test('image.ts says what is wrong and what to do', (t) => {
  for (const [what, script, args, message] of [
    ['no daemon', 'exit 1', ['--docker'], 'error: no Docker daemon answers\n next: '],
    ['no buildx', '[ "$1" = info ]', ['--docker'], 'error: Docker has no buildx\n next: '],
    ['a failed build', '[ "$2" != build ]', ['--docker'], 'error: docker could not build the image\n next: '],
    ['a tag that names nothing', docker, ['--tag', 'latest'], 'error: --tag latest is not a version\n next: '],
    ['a tag that is none', docker, ['--tag=-x y'], 'error: --tag must be up to 128 letters'],
    ['another tag that is none', docker, ['--also', 'x y'], 'error: --also must be up to 128 letters'],
    ['an unknown option', docker, ['--what'], 'error: Unknown option'],
    ['no place for it', docker, [], 'error: without --docker there is no place for the image but a registry\n next: '],
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
      [join(service, 'image.ts'), '--docker', '--tag', `test-${process.pid}`],
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
