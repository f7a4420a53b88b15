import { setTimeout as sleep } from 'node:timers/promises';
import { buildApp } from './app.ts';
import { ConfigError, readConfig, type Config } from './config.ts';

function configuration(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

const config = configuration();
const lifecycle = { stopping: false };
const app = await buildApp({ logger: { level: config.logLevel }, lifecycle });

async function stop(signal: NodeJS.Signals): Promise<void> {
  if (lifecycle.stopping) return;
  lifecycle.stopping = true;
  app.log.info({ signal, drain: config.drain }, 'stopping');
  // Load balancers need a moment to see that readiness fails; closing at once would refuse what they still send.
  await sleep(config.drain);
  await app.close();
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));

try {
  await app.listen({ host: config.host, port: config.port });
} catch (error) {
  app.log.fatal(error);
  process.exitCode = 1;
  await app.close();
}
