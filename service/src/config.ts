import { isIP } from 'node:net';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** What the environment decides. */
export interface Config {
  /** HOST: address to listen on. */
  readonly host: string;
  /** PORT: port to listen on; 0 lets the system choose one. */
  readonly port: number;
  /** LOG_LEVEL: the least serious level that is logged. */
  readonly logLevel: (typeof logLevels)[number];
  /** DRAIN_SECONDS: how long requests are still taken after the signal to stop. */
  readonly drainSeconds: number;
}

/** Everything that is wrong with the environment, one line each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * Reads the configuration from environment variables. One that is not set has its default; one that is set must be right.
 * @throws ConfigError with every problem at once
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];

  function read<T>(name: string, preset: T, rule: string, parse: (text: string) => T | undefined): T {
    const text = env[name];
    if (text === undefined) return preset;
    const value = parse(text);
    if (value === undefined) problems.push(`${name} must be ${rule}; it is ${JSON.stringify(text)}`);
    return value ?? preset;
  }

  function readInteger(name: string, preset: number, max: number): number {
    return read(name, preset, `a whole number from 0 to ${max}`, (text) => (/^[0-9]+$/.test(text) && Number(text) <= max ? Number(text) : undefined));
  }

  const config: Config = {
    host: read('HOST', '0.0.0.0', 'an IP address of this machine, or 0.0.0.0 or :: for all of them', (text) => (isIP(text) === 0 ? undefined : text)),
    port: readInteger('PORT', 8080, 65_535),
    logLevel: read<Config['logLevel']>('LOG_LEVEL', 'info', `one of ${logLevels.join(', ')}`, (text) => logLevels.find((level) => level === text)),
    drainSeconds: readInteger('DRAIN_SECONDS', 5, 300),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
