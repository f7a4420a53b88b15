// docs/decisions/library-defaults.md lists the defaults of the libraries and what is set here: both are compared with the
// libraries.
import { readFileSync } from 'node:fs';
import { createServer, maxHeaderSize } from 'node:http';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { LRUCache } from 'lru-cache';
import t, { type Test } from 'tap';
import { readConfig } from '../src/config.ts';
import { networksApi } from '../src/networks.ts';
import { createLogger } from '../src/request-log.ts';
import { buildService } from '../src/service.ts';

type Values = Readonly<Record<string, unknown>>;

/** What a library reports of its defaults, and of what is set here. */
interface Observed {
  readonly preset: Values;
  readonly here: Values;
}

const rows = readFileSync(join(import.meta.dirname, '../../docs/decisions/library-defaults.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| library') && !line.startsWith('| ---'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, library = '', setting = '', preset = '', here = '']) => ({ library, setting, preset, here }));

const values = (object: object): Values => object as Values;

async function observe(t: Test): Promise<Readonly<Record<string, Observed>>> {
  const log = createLogger('silent', { write: () => undefined });
  const { api, admin } = await buildService({
    api: networksApi,
    config: readConfig({ DRAIN_SECONDS: '5', LOAD_SHEDDING: 'off' }),
    log,
  });
  const bare: FastifyInstance = Fastify();
  t.teardown(async () => Promise.all([bare.close(), admin.close()]));
  await Promise.all([bare.ready(), api.ready()]);
  return {
    'node:http': {
      preset: { ...values(createServer()), maxHeaderSize },
      here: { ...values(api.server), maxHeaderSize },
    },
    fastify: {
      // Fastify itself reads undefined as idle.
      preset: { forceCloseConnections: 'idle', ...bare.initialConfig },
      here: values(api.initialConfig),
    },
    'lru-cache': {
      // One of the two bounds must be given; neither has a default.
      preset: { ...values(new LRUCache({ max: 1 })), max: 0, maxSize: 0, perf: 'performance', fetchMethod: 'none' },
      here: {},
    },
  };
}

t.test('the table of defaults says what the libraries do', async (t) => {
  const observed = await observe(t);
  t.ok(rows.length > 40, `${rows.length} rows`);
  let seen = 0;
  for (const { library, setting, preset, here } of rows) {
    const known = observed[library] ?? { preset: {}, here: {} };
    const name = `${library} ${setting}`;
    if (setting in known.preset) t.equal(String(known.preset[setting]), preset, `${name}: the default`);
    const isSeen = setting in known.here;
    t.equal(here.endsWith('*'), !isSeen, `${name}: marked where it cannot be seen`);
    if (!isSeen) continue;
    t.equal(String(known.here[setting]), here, `${name}: here`);
    seen += 1;
  }
  t.ok(seen > 18, `${seen} settings are seen`);
});
