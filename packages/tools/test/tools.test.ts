import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CommandError } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { explainGoFailure, goVersion } from '../src/go.ts';
import { run, RunError } from '../src/run.ts';
import { sha256 } from '../src/sha256.ts';
import { damagedTools, ensureTools } from '../src/tools.ts';

const failure = async (action: Promise<unknown>): Promise<CommandError> => {
  const error: unknown = await action.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CommandError)) throw error;
  return error;
};

/** A folder with a program `go` that prints a given text. */
function fakeGo(folder: string, answer: string): NodeJS.ProcessEnv {
  const file = join(folder, 'go');
  writeFileSync(file, `#!/bin/sh\necho '${answer}'\n`);
  chmodSync(file, 0o755);
  return { PATH: `${folder}:/usr/bin:/bin` };
}

t.test('Go missing or too old: says which version was found and what to do', async (t) => {
  t.match(await failure(goVersion({ PATH: t.testdir({}) })), {
    message: "Go is needed and no 'go' is on the PATH",
    next: /install Go 1\.26/,
  });
  t.match(await failure(goVersion(fakeGo(t.testdir({}), 'go1.25.4'))), {
    message: 'Go 1.26 or newer is needed, and go1.25.4 was found',
  });
  for (const version of ['go1.26.0', 'go1.27rc1', 'go2.0'])
    t.equal(await goVersion(fakeGo(t.testdir({}), version)), version);
});

t.test('what is built needs no Go, and is found by all that it was built from', async (t) => {
  const built = await ensureTools(progressTo(), { verify: false });
  const before = process.env.PATH;
  process.env.PATH = '/nonexistent';
  t.teardown(() => {
    if (before !== undefined) process.env.PATH = before;
  });
  t.same(await ensureTools(progressTo(), { verify: false }), built);
  process.env.PATH = fakeGo(t.testdir({}), 'go1.25.4').PATH;
  t.same(await ensureTools(progressTo(), { verify: false }), built, 'nor does an old one matter');

  // Folders of other sources, and of another Go than they say, are none of these programs.
  process.env.PATH = '/nonexistent';
  const cache = t.testdir({ 'gitops-platform': { 'stack-0123456789abcdef': { 'go-version': 'go1.26.8' } } });
  const home = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = cache;
  t.teardown(() => {
    if (home === undefined) Reflect.deleteProperty(process.env, 'XDG_CACHE_HOME');
    else process.env.XDG_CACHE_HOME = home;
  });
  t.match(await failure(ensureTools(progressTo(), { verify: false })), {
    message: "Go is needed and no 'go' is on the PATH",
  });
});

t.test('a program that differs from its checksum is found', async (t) => {
  const bin = t.testdir({ etcd: 'as built', kwok: 'as built', helm: 'as built' });
  const checksums = Object.fromEntries(
    await Promise.all(
      ['etcd', 'kwok', 'helm', 'redis'].map(
        async (name) => [name, await sha256(join(bin, name === 'redis' ? 'etcd' : name))] as const,
      ),
    ),
  );
  const tools = { bin, manifests: '', key: '', checksums };
  t.same(await damagedTools(tools, ['etcd', 'kwok', 'helm']), []);
  writeFileSync(join(bin, 'kwok'), 'as tampered with');
  t.same(await damagedTools(tools, ['etcd', 'kwok', 'helm', 'redis']), ['kwok', 'redis'], 'changed or missing');
});

t.test('a download that fails is reported, and leaves nothing half-built', async (t) => {
  const folder = t.testdir({});
  const before = { ...process.env };
  Object.assign(process.env, {
    XDG_CACHE_HOME: join(folder, 'cache'),
    GOMODCACHE: join(folder, 'modules'),
    GOCACHE: join(folder, 'go-build'),
    GOPROXY: 'http://127.0.0.1:1',
    GONOSUMDB: '*',
    GOFLAGS: '',
  });
  t.teardown(() => {
    for (const name of ['XDG_CACHE_HOME', 'GOMODCACHE', 'GOCACHE', 'GOPROXY', 'GONOSUMDB', 'GOFLAGS']) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
  });
  const error = await failure(ensureTools(progressTo(), { verify: false }));
  t.match(error.message, /^a Go module could not be downloaded: .*127\.0\.0\.1:1/);
  t.match(error.next, 'GOPROXY');
  t.notOk(
    existsSync(join(folder, 'cache/gitops-platform')) &&
      (await run('find', [join(folder, 'cache'), '-name', 'kubectl'])).trim() !== '',
  );
});

t.test('a module whose checksum is wrong is reported by name, as Go itself finds it', async (t) => {
  // A module of the build's own cache, asked for with a checksum that is not its own.
  const folder = t.testdir({});
  mkdirSync(folder, { recursive: true });
  const version = 'v2.40.0';
  writeFileSync(join(folder, 'go.mod'), `module x\n\ngo 1.26\n\nrequire github.com/alicebob/miniredis/v2 ${version}\n`);
  const wrong = `h1:${Buffer.alloc(32).toString('base64')}`;
  writeFileSync(
    join(folder, 'go.sum'),
    `github.com/alicebob/miniredis/v2 ${version} ${wrong}\ngithub.com/alicebob/miniredis/v2 ${version}/go.mod ${wrong}\n`,
  );
  const error: unknown = await run('go', ['list', '-m', 'all'], {
    cwd: folder,
    env: { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' },
  }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  t.ok(error instanceof RunError);
  const explained = explainGoFailure((error as RunError).stderr);
  t.match(explained.message, /^the checksum of a Go module is wrong: .*github\.com\/alicebob\/miniredis\/v2@v2\.40\.0/);
  t.match(explained.next, 'go clean -modcache');
});

t.test('other failures of a build keep their last words', (t) => {
  t.match(
    explainGoFailure('go: downloading x v1\nx.go:1:1: syntax error\n').message,
    'the tools could not be built: x.go:1:1: syntax error',
  );
  t.match(explainGoFailure('write /x: no space left on device').message, 'the disk is full');
  t.end();
});
