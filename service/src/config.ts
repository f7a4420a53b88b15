/** What the environment may set. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  /** Milliseconds for which requests are still served after SIGTERM while readiness already fails. */
  readonly drain: number;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'];

/** The environment breaks a rule; the message lists every mistake, one a line. */
export class ConfigError extends Error {
  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'));
    this.name = 'ConfigError';
  }
}

/** Reads HOST, PORT, LOG_LEVEL and DRAIN_SECONDS. Throws ConfigError with all mistakes at once. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const mistakes: string[] = [];
  const integer = (name: string, otherwise: number, highest: number): number => {
    const text = env[name] ?? String(otherwise);
    if (!/^\d{1,5}$/.test(text) || Number(text) > highest) mistakes.push(`${name} must be a whole number from 0 to ${highest} (it is ${JSON.stringify(text)})`);
    return Number(text);
  };
  const port = integer('PORT', 8080, 65_535);
  // Five seconds is longer than any request of this service takes; the chart's grace period counts on it.
  const drain = integer('DRAIN_SECONDS', 5, 600) * 1000;
  const logLevel = env.LOG_LEVEL ?? 'info';
  if (!LOG_LEVELS.includes(logLevel)) mistakes.push(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')} (it is ${JSON.stringify(logLevel)})`);
  const host = env.HOST ?? '0.0.0.0';
  if (host === '') mistakes.push('HOST must not be empty');
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return { host, port, logLevel, drain };
}
