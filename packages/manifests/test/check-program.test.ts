import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { root } from './helper.ts';

// What the Job runs after a release, against a service of this test.

const program = readFileSync(join(root, 'charts/fastify-service/files/check.js'), 'utf8');

/** Both ports of a service: what it answers, a version or a status, at each request for its version. */
async function startService(
  t: Test,
  answer: (asked: number) => string | number,
): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer(({ url }, response) => {
    if (url === '/metrics') asked += 1;
    const found = answer(asked);
    if (typeof found === 'number') response.writeHead(found).end('broken');
    else response.end(`# HELP x\nservice_build_info{version="${found}",commit="c"} 1\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

function start(url: string, { patience = 60, deadline = 60 } = {}) {
  const env = {
    API_URL: `${url}/v1/things`,
    METRICS_URL: `${url}/metrics`,
    VERSION: '2',
    PATIENCE_SECONDS: String(patience),
    DEADLINE_SECONDS: String(deadline),
  };
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = Promise.all([once(child, 'exit'), text(child.stdout)]).then(([[code], output]) => ({
    code: code as number | null,
    lines: output.trim().split('\n'),
  }));
  return { child, ended };
}

t.test('five answers of the new version in a row are enough, and no fewer', async (t) => {
  // Once more the old one, after four.
  const { url, asked } = await startService(t, (count) => (count === 1 || count === 6 ? '1' : '2'));
  t.same(await start(url).ended, {
    code: 0,
    lines: [
      'version 1 answers, not yet 2',
      'version 2 answers',
      'version 1 answers, not yet 2',
      'version 2 answers',
      'version 2 answered 5 times in a row',
    ],
  });
  t.equal(asked(), 11);
});

t.test('it gives up when nothing right is answered, and says what was', async (t) => {
  const { url } = await startService(t, () => 404);
  const { code, lines } = await start(url, { patience: 0.7 }).ended;
  t.equal(code, 1);
  t.equal(lines.at(-1), `no right answer for 0.7 s: ${url}/v1/things answered 404: broken`);
  const nobody = await start('http://127.0.0.1:1', { patience: 0.7 }).ended;
  t.match(nobody, { code: 1, lines: [/ECONNREFUSED/, /^no right answer for 0\.7 s: .*ECONNREFUSED$/] });
});

t.test('the old version is a right answer, but not for ever', async (t) => {
  const { url } = await startService(t, () => '1');
  t.match(await start(url, { patience: 0.3, deadline: 1.5 }).ended, {
    code: 1,
    lines: [/not yet 2/, /^not within 1\.5 s: version 1 answers, not yet 2$/],
  });
});

t.test('it ends on a signal, also as the first process of a container', async (t) => {
  const { url } = await startService(t, () => '1');
  const { child, ended } = start(url);
  await once(child.stdout, 'readable');
  child.kill('SIGTERM');
  t.equal((await ended).code, 1);
});

t.test('Kubernetes changes nothing in its text', (t) => {
  // $(NAME) in a container's arguments is a variable.
  t.notMatch(program, '$(');
  t.end();
});
