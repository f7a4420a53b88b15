import type { Api } from './api.ts';
import type { LogOutput } from './log-output.ts';
import type { Service } from './service.ts';
import { timings } from './timings.ts';

const state: { service?: Service; output?: LogOutput; stopping: boolean } = { stopping: false };

/** The first signal drains and closes; a second one is from somebody who will not wait. */
function onSignal(signal: NodeJS.Signals): void {
  if (state.stopping) process.exit(1);
  stop({ code: 0, reason: { signal } });
}

/**
 * Whatever threw here may have left anything half done: no new requests, a short while for those that run, and an end.
 */
function onCrash(error: unknown): void {
  if (state.stopping) process.exit(1);
  if (state.service === undefined) console.error(error);
  else state.service.log.fatal({ err: error }, 'crashed');
  stop({ code: 1, reason: {}, drainSeconds: 0 });
}

function stop({ code, reason, drainSeconds }: { code: 0 | 1; reason: object; drainSeconds?: number }): void {
  const { service, output } = state;
  state.stopping = true;
  // Nothing was begun yet that could be lost.
  if (service === undefined) process.exit(code);
  const { log, config } = service;
  const drain = drainSeconds ?? config.DRAIN_SECONDS;
  log.info(reason, 'stopping');
  // Each step below has a bound of its own; this one holds whatever is wrong with them.
  setTimeout(
    () => {
      log.fatal('could not stop in time');
      process.exit(1);
    },
    (drain + timings.close + timings.end) * 1000,
  );
  service
    .close({ drainSeconds: drain })
    .then(() => {
      log.info('stopped');
      return output?.drain(timings.lastLines);
    })
    .then(
      // Not left to the empty event loop: a port that was still being opened when the signal came is open now.
      () => process.exit(code),
      (error: unknown) => {
        log.fatal({ err: error }, 'could not stop in order');
        process.exit(1);
      },
    );
}

/**
 * Runs a service as the process: reads its settings, listens, and stops on a signal.
 * @param load gives what the service answers; called only after the signals are handled: as process 1 of a container, one
 *   without a handler is ignored
 */
export async function run(load: () => Promise<Api>): Promise<void> {
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);

  const [api, { ConfigError, readConfig }, { createLogger }, { standardOutput }, { buildService }] = await Promise.all([
    load(),
    import('./config.ts'),
    import('./request-log.ts'),
    import('./log-output.ts'),
    import('./service.ts'),
  ]);

  const config = orExit(() => readConfig(process.env), ConfigError);
  const output = standardOutput((lines) => {
    state.service?.metrics.logLinesLost.inc(lines);
  });
  const service = await buildService({ api, config, log: createLogger(config.LOG_LEVEL, output) });
  state.output = output;
  state.service = service;
  try {
    await service.listen();
  } catch (error) {
    service.log.fatal({ err: error }, 'could not listen');
    process.exit(1);
  }
}

/** What `read` gives; ends the process with every problem of the configuration. */
function orExit<T>(read: () => T, ConfigError: new (problems: string[]) => Error & { problems: readonly string[] }): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) console.error(`error: ${problem}`);
    process.exit(1);
  }
}
