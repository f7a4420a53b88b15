import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { CommandError } from '@gitops/report/errors';
import { ARGOCD_VERSION } from '@gitops/tools/tools';
import { chooseProgram, rememberedRelease, servesPages } from '../src/argocd-program.ts';
import type { Instance } from '../src/instance.ts';

const instanceIn = (dir: string): Instance => ({ root: dir, dir, cluster: 'local' });

let scripts = 0;

/** A shell script in place of a release's program. */
function program(folder: string, script: string, mode = 0o755): string {
  const path = join(folder, `argocd-${(scripts += 1)}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, mode);
  return path;
}

const reports = (version: string): string =>
  `[ "$*" = "version --client --short" ] && [ "$ARGOCD_BINARY_NAME" = argocd ] && echo "argocd: ${version}"`;

t.test('a release of the same version is remembered until `built` undoes it', async (t) => {
  const instance = instanceIn(t.testdir({}));
  t.equal(await chooseProgram(instance, undefined), undefined, 'our own build');
  const path = program(instance.dir, reports(`v${ARGOCD_VERSION}+8f3a1b2`));
  const release = { path, version: `v${ARGOCD_VERSION}+8f3a1b2` };
  t.same(await chooseProgram(instance, path), release);
  t.same(await chooseProgram(instance, undefined), release);
  t.same(rememberedRelease(instance), release);
  writeFileSync(path, '');
  await t.rejects(chooseProgram(instance, undefined), CommandError, 'it is checked again each time');
  t.equal(await chooseProgram(instance, 'built'), undefined);
  t.equal(await chooseProgram(instance, undefined), undefined);
});

t.test('any other program is refused, and the choice stays as it was', async (t) => {
  const folder = t.testdir({});
  const instance = instanceIn(folder);
  for (const [path, problem] of [
    [join(folder, 'nothing'), 'does not exist'],
    [folder, 'is not a file'],
    [program(folder, reports(`v${ARGOCD_VERSION}`), 0o644), 'is not executable'],
    [program(folder, reports('v3.4.1+abc')), `is argocd v3.4.1+abc, and the clusters run v${ARGOCD_VERSION}`],
    [program(folder, reports(`v${ARGOCD_VERSION}-rc1`)), `is argocd v${ARGOCD_VERSION}-rc1, and the clusters run`],
    [program(folder, 'echo "helm: v4"'), 'is not argocd'],
    [program(folder, 'echo "cannot execute" >&2; exit 126'), 'cannot be run: cannot execute'],
  ] as const) {
    const error: unknown = await chooseProgram(instance, path).catch((reason: unknown) => reason);
    t.match(error, { message: `ARGOCD: ${path} ${problem}`, next: /ARGOCD=built/ }, problem);
    t.ok(error instanceof CommandError);
    t.equal(rememberedRelease(instance), undefined);
  }
});

t.test('pages are served when a browser gets one', async (t) => {
  let answer: readonly [number, string, string] = [200, 'text/html; charset=utf-8', '<html></html>'];
  const server = createServer((request, response) => {
    t.equal(request.headers.accept, 'text/html');
    response.writeHead(answer[0], { 'content-type': answer[1] }).end(answer[2]);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  t.equal(await servesPages(port), true);
  answer = [500, 'text/html', 'open dist/app/index.html: file does not exist'];
  t.equal(await servesPages(port), false, 'as our own build answers');
  answer = [200, 'application/json', '{}'];
  t.equal(await servesPages(port), false);
  t.equal(await servesPages(1), false, 'nobody answers');
});
