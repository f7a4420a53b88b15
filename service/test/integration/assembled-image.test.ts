// The image as `make ship`, `make image` and CI assemble it, beside a run of the Dockerfile.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { assemble } from '@gitops/images/assemble';
import { ensureNodeBase, thisPlatform } from '@gitops/images/node-base';
import { tagsOf } from '@gitops/images/registry';
import { buildServiceImage, type ServiceBuild } from '@gitops/images/service-image';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import { final, root, service, stages, texts } from '../fixtures/dockerfile.ts';
import { buildEnvironment, copyContext, programs, replay, tree } from '../fixtures/replay.ts';

// The first time, the registry is compiled.
t.setTimeout(600_000);

const folder = mkdtempSync(join(tmpdir(), 'assembled-'));
const { bin } = await ensureTools(progressTo(), { verify: false, builds: ['images'] });
const address = await freeAddress();
const registry = spawn(join(bin, 'registry'), [address, join(folder, 'registry')], { stdio: 'inherit' });
t.teardown(() => {
  registry.kill();
  rmSync(folder, { recursive: true, force: true });
});
for (let tries = 0; tries < 600 && !(await answers()); tries += 1) await sleep(50);

async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return `127.0.0.1:${port}`;
}

async function answers(): Promise<boolean> {
  return fetch(`http://${address}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  );
}

const NAME = 'registry.internal';
const base = await ensureNodeBase(root, bin, { name: NAME, address });
const order: ServiceBuild = { bin, registry: NAME, base, platforms: [thisPlatform], registries: { [NAME]: address } };

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
  readonly annotations: Readonly<Record<string, string>>;
}

interface Config {
  readonly created: string;
  readonly config: Readonly<Record<string, unknown>>;
}

async function manifestOf(digest: string): Promise<Manifest> {
  const Accept = 'application/vnd.oci.image.manifest.v1+json';
  const response = await fetch(`http://${address}/v2/fastify-service/manifests/${digest}`, { headers: { Accept } });
  return (await response.json()) as Manifest;
}

async function blob(digest: string): Promise<Buffer> {
  const response = await fetch(`http://${address}/v2/fastify-service/blobs/${digest}`);
  return Buffer.from(await response.arrayBuffer());
}

t.test('an assembled image holds what the Dockerfile makes, and says what the Dockerfile says', async (t) => {
  const image = await buildServiceImage(root, { ...order, tag: '1.2.3' });
  const manifest = await manifestOf(image.digest);
  t.equal(manifest.layers.length, 2, 'the base and the bundle');
  t.strictSame(manifest.annotations, {
    'org.opencontainers.image.base.name': `${NAME}/node`,
    'org.opencontainers.image.base.digest': base.split('@')[1],
  });

  await t.test('the same files, to the byte and the time', async (t) => {
    const [context, built, replayed, unpacked] = ['context', 'built', 'replayed', 'unpacked'].map((name) =>
      join(folder, name),
    ) as [string, string, string, string];
    copyContext(context);
    const env = buildEnvironment(programs(join(folder, 'bin')));
    const buildArgs = { VERSION: '1.2.3', COMMIT: image.commit, CREATED: image.created };
    replay(stages[0] ?? [], { image: built, from: context, buildArgs, env });
    replay(final, { image: replayed, from: built, buildArgs, env });

    mkdirSync(unpacked);
    const archive = await blob(manifest.layers.at(-1)?.digest ?? '');
    t.equal(spawnSync('tar', ['-xzf', '-', '-C', unpacked], { input: archive }).status, 0);
    const [expected, actual] = [tree(replayed), tree(unpacked)];
    t.ok(Object.keys(expected).includes('app/main.js'));
    t.strictSame(Object.keys(actual), Object.keys(expected));
    for (const [file, content] of Object.entries(expected)) {
      t.ok(actual[file]?.equals(content), file);
      t.equal(statSync(join(unpacked, file)).mtimeMs, statSync(join(replayed, file)).mtimeMs, `time of ${file}`);
    }
  });

  await t.test('the same configuration', async (t) => {
    const { created, config } = JSON.parse((await blob(manifest.config.digest)).toString()) as Config;
    t.equal(Date.parse(created), Date.parse(image.created));
    const values: Record<string, string> = {
      NAME: 'fastify-service',
      DESCRIPTION: /^DESCRIPTION="(.*)"$/.exec(texts(final, 'ARG')[1] ?? '')?.[1] ?? '',
      VERSION: '1.2.3',
      COMMIT: image.commit,
      CREATED: image.created,
      SOURCE: image.source ?? '',
    };
    const filledIn = (texts(final, 'LABEL')[0] ?? '').replaceAll(/\$\{(\w+)\}/g, (_, arg: string) => values[arg] ?? '');
    const labels = [...filledIn.matchAll(/(org\.[\w.]+)="([^"]*)"/g)].map(([, name, value]) => [name, value] as const);
    t.strictSame(config, {
      Entrypoint: JSON.parse(texts(final, 'ENTRYPOINT')[0] ?? '') as unknown,
      Env: texts(final, 'ENV'),
      ExposedPorts: Object.fromEntries((texts(final, 'EXPOSE')[0] ?? '').split(' ').map((port) => [`${port}/tcp`, {}])),
      Labels: Object.fromEntries(labels) as unknown,
      StopSignal: texts(final, 'STOPSIGNAL')[0],
      User: texts(final, 'USER')[0],
      WorkingDir: texts(final, 'WORKDIR')[0],
    });
    t.equal(labels.length, 7);
  });
});

t.test('the same commit gives the same image, and another tag another one', async (t) => {
  const first = await buildServiceImage(root, { ...order, tag: '2.0.0' });
  const before = process.umask(0o077);
  const second = await buildServiceImage(root, { ...order, tag: '2.0.0' }).finally(() => process.umask(before));
  t.equal(second.digest, first.digest);
  const other = await buildServiceImage(root, { ...order, tag: '2.0.1' });
  t.not(other.digest, first.digest, 'the bundle says its version');
});

t.test('without a name, an image has version and commit as its tag', async (t) => {
  const { tag, commit, reference, digest } = await buildServiceImage(root, order);
  const dirty = commit.endsWith('-dirty') ? '-[0-9a-f]{8}' : '';
  t.match(tag, new RegExp(`^\\d+\\.\\d+\\.\\d+-${commit.slice(0, 7)}${dirty}$`));
  t.equal(reference, `${NAME}/fastify-service:${tag}@${digest}`);
  t.equal((await buildServiceImage(root, order)).reference, reference);
});

t.test('image.ts assembles for two platforms and pushes, without Docker', async (t) => {
  const layout = join(folder, 'layout');
  mkdirSync(layout);
  writeLayout(layout);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(service, 'image.ts'),
      '--registry',
      `${address}/team`,
      '--push',
      '--tag',
      '1.0.0',
      '--also',
      'dev-1',
      '--json',
    ].concat(['--platform', 'linux/amd64,linux/arm64']),
    { encoding: 'utf8', env: { ...process.env, RUNTIME_IMAGE: `layout:${layout}` } },
  );
  t.equal(status, 0, stderr);
  const image = JSON.parse(stdout) as { reference: string; tag: string; digest: string; commit: string };
  t.match(image, { tag: '1.0.0', reference: `${address}/team/fastify-service:1.0.0@${image.digest}` });
  t.strictSame((await tagsOf(address, 'team/fastify-service')).sort(), ['1.0.0', 'dev-1']);
});

/** An OCI layout with an image without layers for each of two platforms. */
function writeLayout(layout: string): void {
  const blobs = join(layout, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const write = (content: object): { digest: string; size: number } => {
    const text = JSON.stringify(content);
    const hash = spawnSync('sha256sum', { input: text, encoding: 'utf8' }).stdout.slice(0, 64);
    writeFileSync(join(blobs, hash), text);
    return { digest: `sha256:${hash}`, size: text.length };
  };
  const manifests = ['amd64', 'arm64'].map((architecture) => {
    const config = write({ os: 'linux', architecture, config: {}, rootfs: { type: 'layers', diff_ids: [] } });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const configType = 'application/vnd.oci.image.config.v1+json';
    const manifest = { schemaVersion: 2, mediaType, config: { ...config, mediaType: configType }, layers: [] };
    return { ...write(manifest), mediaType, platform: { os: 'linux', architecture } };
  });
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}

t.test('what goes wrong is one clear error, and nothing is tagged', async (t) => {
  await buildServiceImage(root, { ...order, tag: '3.0.0' });
  const layers = [{ from: join(service, 'package.json'), to: '/app' }];
  const taken = { name: `${NAME}/fastify-service`, tag: '3.0.0', platforms: [thisPlatform], layers, config: {} };
  await t.rejects(
    assemble(bin, { ...taken, created: '2020-01-01T00:00:00Z', registries: { [NAME]: address } }),
    { message: /fastify-service:3\.0\.0 already exists and is another image \(sha256:/, next: 'choose another TAG' },
    'a tag that names another image',
  );
  await t.rejects(
    buildServiceImage(root, { ...order, tag: '3.1.0', base: `${NAME}/node@sha256:${'a'.repeat(64)}` }),
    { message: /^base image registry\.internal\/node@sha256:aaa.*MANIFEST_UNKNOWN/s },
    'a base image that is not there',
  );
  await t.rejects(
    buildServiceImage(root, { ...order, tag: '3.2.0', registries: { [NAME]: await freeAddress() } }),
    { message: /connection refused/ },
    'a registry that does not answer',
  );
  t.notOk((await tagsOf(address, 'fastify-service')).some((tag) => /^3\.[12]/.test(tag)));
});

t.test('a work tree that does not build', async (t) => {
  // Its packages are those of this clone, without which nothing builds.
  const clone = join(folder, 'clone');
  copyContext(clone);
  for (const [file, content] of [
    ['service/Dockerfile', 'FROM x\nCOPY --from=build /workspace/service/dist /app\n'],
    ['service/src/main.ts', 'const x = ;\n'],
  ] as const)
    writeFileSync(join(clone, file), content);
  spawnSync('ln', ['-s', join(service, 'node_modules'), join(clone, 'service/node_modules')]);
  for (const args of [
    ['init', '--quiet'],
    ['add', '.'],
    ['commit', '--quiet', '-m', 'x'],
  ])
    spawnSync('git', ['-C', clone, '-c', 'user.name=x', '-c', 'user.email=x@localhost', ...args]);
  await t.rejects(buildServiceImage(clone, { ...order, tag: '4.0.0' }), {
    message: 'the service does not build\nsrc/main.ts:1:10: ERROR: Unexpected ";"',
    next: 'fix it and run the command again; nothing was pushed',
  });
  t.notOk((await tagsOf(address, 'fastify-service')).includes('4.0.0'));
});
