import { buildApp } from './app.ts';
import { ConfigError, readConfig, type Config } from './config.ts';

function configOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) console.error(`error: ${problem}`);
    process.exit(1);
  }
}

const { host, port, logLevel, drainSeconds } = configOrExit();
const app = buildApp({ logger: { level: logLevel }, drainSeconds });
let stopping = false;

function exitWith(code: 0 | 1, error?: unknown): never {
  if (error !== undefined) app.log.fatal(error);
  process.exit(code);
}

/** The first signal drains and closes; a second one is from somebody who will not wait. */
function stop(signal: NodeJS.Signals): void {
  if (stopping) exitWith(1);
  stopping = true;
  app.log.info({ signal, drainSeconds }, 'stopping');
  app.close().then(
    () => {
      app.log.info('stopped');
      // Not left to the empty event loop: a port that was still being opened when the signal came is open now.
      exitWith(0);
    },
    (error: unknown) => exitWith(1, error),
  );
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);

try {
  await app.listen({ host, port });
} catch (error) {
  exitWith(1, error);
}
