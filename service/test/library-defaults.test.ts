// docs/decisions/library-defaults.md says which defaults the libraries have and what stands here: both are looked up.
import { readFileSync } from 'node:fs';
import { createServer, maxHeaderSize } from 'node:http';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { LRUCache } from 'lru-cache';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { readConfig } from '../src/config.ts';
import { createLogger, standardOutput } from '../src/request-log.ts';
import { buildService } from '../src/service.ts';

type Values = Readonly<Record<string, unknown>>;

/** What a library says of its defaults, and of what it has been given here; undefined where it does not tell. */
interface Observed {
  readonly preset: Values;
  readonly here: Values | undefined;
}

const rows = readFileSync(join(import.meta.dirname, '../../docs/decisions/library-defaults.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| library') && !line.startsWith('| ---'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, library = '', setting = '', preset = '', here = '']) => ({ library, setting, preset, here }));

const values = (object: object): Values => object as Values;

async function observe(t: Test): Promise<Readonly<Record<string, Observed>>> {
  const log = createLogger('silent', { write: () => undefined });
  const { api, admin } = await buildService({ config: readConfig({ DRAIN_SECONDS: '5', LOAD_SHEDDING: 'off' }), log });
  const bare: FastifyInstance = Fastify();
  t.teardown(async () => Promise.all([bare.close(), admin.close()]));
  await Promise.all([bare.ready(), api.ready()]);
  const boom = values(pino.destination({ dest: '/dev/null', sync: false }));
  const ours = values(standardOutput(() => undefined));
  return {
    'node:http': {
      preset: { ...values(createServer()), maxHeaderSize },
      here: { ...values(api.server), maxHeaderSize },
    },
    fastify: { preset: values(bare.initialConfig), here: values(api.initialConfig) },
    'lru-cache': {
      // One of the two bounds must be given; neither has a default.
      preset: { ...values(new LRUCache({ max: 1 })), max: 0, maxSize: 0, perf: 'performance', fetchMethod: 'none' },
      here: undefined,
    },
    'pino, sonic-boom': {
      preset: { ...boom, periodicFlush: boom._periodicFlush },
      here: { ...ours, periodicFlush: ours._periodicFlush },
    },
  };
}

t.test('the table of defaults says what the libraries do', async (t) => {
  const observed = await observe(t);
  t.ok(rows.length > 30);
  let seen = 0;
  for (const { library, setting, preset, here } of rows) {
    const { [library]: known } = observed;
    const name = `${library} ${setting}`;
    if (known !== undefined) t.equal(String(known.preset[setting]), preset, `${name}: the default`);
    const isMarked = here.endsWith('*');
    t.equal(isMarked, known?.here === undefined, `${name}: marked where it cannot be seen`);
    if (known?.here === undefined) continue;
    t.equal(String(known.here[setting]), here, `${name}: here`);
    seen += 1;
  }
  t.ok(seen > 20, `${seen} settings are seen`);
});
