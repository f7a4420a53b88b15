import t from 'tap';
import { readConfig } from '../src/config.ts';

t.test('every variable has a default', (t) => {
  t.strictSame(readConfig({}), { host: '0.0.0.0', port: 8080, logLevel: 'info', drainSeconds: 5 });
  t.end();
});

t.test('every variable is read', (t) => {
  t.strictSame(readConfig({ HOST: '::1', PORT: '0', LOG_LEVEL: 'trace', DRAIN_SECONDS: '300' }), { host: '::1', port: 0, logLevel: 'trace', drainSeconds: 300 });
  t.end();
});

t.test('all mistakes are told at once, each with its variable, rule and value', (t) => {
  t.throws(() => readConfig({ HOST: 'my host', PORT: '65536', LOG_LEVEL: 'INFO', DRAIN_SECONDS: '-1' }), {
    name: 'ConfigError',
    problems: [/^HOST must be an IP address.*"my host"$/, /^PORT must be.* 0 to 65535.*"65536"$/, /^LOG_LEVEL must be one of fatal, .*"INFO"$/, /^DRAIN_SECONDS must be.*"-1"$/],
  });
  t.end();
});

t.test('numbers are whole and decimal, and set means set', (t) => {
  for (const PORT of ['', ' 80', '80.0', '8e3', '0x50', '+80', 'http']) t.throws(() => readConfig({ PORT }), { name: 'ConfigError', problems: [/^PORT /] }, JSON.stringify(PORT));
  t.end();
});
