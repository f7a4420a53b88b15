import { isIP } from 'node:net';
import { Ajv, type ErrorObject } from 'ajv';
import Type, { type Static } from 'typebox';
import { timings } from './timings.ts';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** A level of the log, the most serious first. */
export const LogLevel = Type.Unsafe<(typeof logLevels)[number]>({ type: 'string', enum: [...logLevels] });

const seconds = (preset: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 86_400, default: preset, description });
const port = (preset: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: preset, description });

/** The settings: name, rule, default and meaning of each, here and nowhere else. */
export const Config = Type.Object(
  {
    HOST: Type.String({
      format: 'host',
      default: '0.0.0.0',
      description: 'address that both ports listen on, or `localhost`; `0.0.0.0` or `::` for all',
    }),
    PORT: port(8080, 'port of the API; 0 lets the system choose'),
    ADMIN_PORT: port(9090, 'port for operators: probes, metrics, documentation, log level; 0 lets the system choose'),
    LOG_LEVEL: Type.Unsafe<Static<typeof LogLevel>>({
      ...LogLevel,
      default: 'info',
      description: 'the least serious level that is logged',
    }),
    DRAIN_SECONDS: Type.Integer({
      minimum: 0,
      maximum: 300,
      default: timings.drain,
      description: 'how long requests are still answered after SIGTERM or SIGINT',
    }),
    CACHE_TTL_SECONDS: seconds(timings.cacheFresh, 'how long a cached answer is fresh'),
    CACHE_STALE_SECONDS: seconds(timings.cacheStale, 'how long after that it is served while a new one is made'),
    CACHE_MAX_BYTES: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000,
      default: 10_000_000,
      description: 'size of all cached answers; 0 keeps none',
    }),
    LOAD_SHEDDING: Type.Unsafe<'on' | 'off'>({
      type: 'string',
      enum: ['on', 'off'],
      default: 'on',
      description: 'whether requests are refused while the process is overloaded',
    }),
    FAULTS: Type.Unsafe<'on' | 'off'>({
      type: 'string',
      enum: ['on', 'off'],
      default: 'off',
      description:
        'whether the admin port has switches that make answers fail or slow, for drills; never in production',
    }),
  },
  { additionalProperties: false },
);
export type Config = Readonly<Static<typeof Config>>;

/** Everything that is wrong with the environment, one line each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const check = new Ajv({
  allErrors: true,
  useDefaults: true,
  verbose: true,
  formats: { host: (text: string) => isIP(text) !== 0 || text === 'localhost' },
}).compile<Config>(Config);

// An environment holds variables of other programs too. One that begins like a setting with an underscore (LOG_, CACHE_ …)
// is taken for a setting, so that a typing error does not silently become the default.
const families = [
  ...new Set(
    Object.keys(Config.properties)
      .filter((name) => name.includes('_'))
      .map((name) => name.slice(0, name.indexOf('_') + 1)),
  ),
];

/**
 * Reads the configuration from environment variables. One that is not set has its default; one that is set must be
 * right.
 * @throws ConfigError with every problem at once
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const ours = Object.entries(env).filter(
    ([name, text]) =>
      text !== undefined &&
      (Object.hasOwn(Config.properties, name) || families.some((family) => name.startsWith(family))),
  );
  // Text that is a whole number becomes one; anything else stays text, for the schema to refuse.
  const config: unknown = Object.fromEntries(
    ours.map(([name, text]) => [
      name,
      isInteger(name) && text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : text,
    ]),
  );
  if (check(config)) {
    if (config.PORT === config.ADMIN_PORT && config.PORT !== 0)
      throw new ConfigError([`PORT and ADMIN_PORT must differ; both are ${config.PORT}`]);
    return config;
  }
  throw new ConfigError(
    (check.errors ?? []).filter(({ keyword }) => keyword !== 'if').map((error) => explain(error, env)),
  );
}

function isInteger(name: string): boolean {
  const schemas: Readonly<Record<string, object>> = Config.properties;
  const schema = schemas[name];
  return schema !== undefined && 'type' in schema && schema.type === 'integer';
}

function explain(
  { keyword, instancePath, params, parentSchema }: ErrorObject,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (keyword === 'additionalProperties')
    return `unknown setting ${String(params.additionalProperty)}; the settings are ${Object.keys(Config.properties).join(', ')}`;
  const name = instancePath.slice(1);
  const {
    minimum,
    maximum,
    enum: values,
  } = parentSchema as { minimum?: number; maximum?: number; enum?: readonly string[] };
  const rule =
    values !== undefined
      ? `one of ${values.join(', ')}`
      : minimum !== undefined
        ? `a whole number from ${minimum} to ${String(maximum)}`
        : 'an IP address of this machine, localhost, or 0.0.0.0 or :: for all of them';
  return `${name} must be ${rule}; it is ${JSON.stringify(env[name])}`;
}
