import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Config, readConfig } from '../src/config.ts';

t.test('every setting has a default', (t) => {
  t.strictSame(readConfig({ PATH: '/bin', HOME: '/root' }), {
    HOST: '0.0.0.0',
    PORT: 8080,
    ADMIN_PORT: 9090,
    LOG_LEVEL: 'info',
    DRAIN_SECONDS: 5,
    CACHE_TTL_SECONDS: 300,
    CACHE_STALE_SECONDS: 600,
    CACHE_MAX_BYTES: 10_000_000,
    LOAD_SHEDDING: 'on',
    FAULTS: 'off',
  });
  t.end();
});

t.test('every setting is read', (t) => {
  const env = {
    HOST: '::1',
    PORT: '0',
    ADMIN_PORT: '1',
    LOG_LEVEL: 'trace',
    DRAIN_SECONDS: '300',
    CACHE_TTL_SECONDS: '2',
    CACHE_STALE_SECONDS: '3',
    CACHE_MAX_BYTES: '4',
    LOAD_SHEDDING: 'off',
    FAULTS: 'on',
  };
  t.same(Object.keys(env), Object.keys(Config.properties), 'all of them');
  t.equal(readConfig({ HOST: 'localhost' }).HOST, 'localhost');
  t.strictSame(readConfig(env), {
    ...env,
    PORT: 0,
    ADMIN_PORT: 1,
    DRAIN_SECONDS: 300,
    CACHE_TTL_SECONDS: 2,
    CACHE_STALE_SECONDS: 3,
    CACHE_MAX_BYTES: 4,
  });
  t.end();
});

t.test('all mistakes are reported at once, each with its setting, rule and value', (t) => {
  t.throws(
    () =>
      readConfig({
        HOST: 'my host',
        PORT: '65536',
        LOG_LEVEL: 'INFO',
        DRAIN_SECONDS: '-1',
        LOAD_SHEDDING: 'yes',
        LOG_LEVL: 'info',
        CACHE_TTL: '1',
      }),
    {
      name: 'ConfigError',
      problems: [
        /^unknown setting LOG_LEVL; the settings are HOST, PORT, /,
        /^unknown setting CACHE_TTL;/,
        /^HOST must be an IP address.*"my host"$/,
        /^PORT must be.* 0 to 65535.*"65536"$/,
        /^LOG_LEVEL must be one of fatal, .*"INFO"$/,
        /^DRAIN_SECONDS must be.*"-1"$/,
        /^LOAD_SHEDDING must be one of on, off; it is "yes"$/,
      ],
    },
  );
  t.end();
});

t.test('numbers are whole and decimal, and set means set', (t) => {
  for (const PORT of ['', ' 80', '80.0', '8e3', '0x50', '+80', 'http', '9'.repeat(400)])
    t.throws(
      () => readConfig({ PORT }),
      { name: 'ConfigError', problems: [/^PORT must be a whole number/] },
      JSON.stringify(PORT),
    );
  t.end();
});

t.test('the two ports must differ, unless the system chooses them', (t) => {
  t.throws(() => readConfig({ ADMIN_PORT: '8080' }), {
    name: 'ConfigError',
    problems: ['PORT and ADMIN_PORT must differ; both are 8080'],
  });
  t.equal(readConfig({ PORT: '0', ADMIN_PORT: '0' }).PORT, 0);
  t.end();
});

t.test('the README lists every setting with its default and meaning', (t) => {
  const cells = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| `[A-Z_]+` +\|/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  const settings = Object.entries(Config.properties).map(([name, schema]) => {
    const { default: preset, description } = schema as { default?: unknown; description?: string };
    return [`\`${name}\``, `\`${String(preset)}\``, description];
  });
  t.strictSame(cells, settings);
  t.end();
});
