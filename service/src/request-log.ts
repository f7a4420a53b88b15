import { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';

/** Paths that never reach the log, wherever somebody logs a request, its headers or options of a client. */
const secrets = [
  'authorization',
  'cookie',
  '["set-cookie"]',
  '["proxy-authorization"]',
  '["x-api-key"]',
  'password',
  'token',
  'secret',
];
const holders = ['req', 'request', 'res', 'response', 'body', 'headers', 'config', 'options', 'err'];
const parents = [
  '',
  ...holders,
  ...['req', 'request', 'res', 'response', 'config', 'options', 'err'].flatMap((holder) =>
    ['body', 'headers', 'config', 'options'].map((part) => `${holder}.${part}`),
  ),
  'err.config.headers',
  'err.options.headers',
];
const redacted = parents.flatMap((parent) =>
  secrets.map((name) => (parent === '' || name.startsWith('[') ? `${parent}${name}` : `${parent}.${name}`)),
);

const clock = { second: -1, prefix: '' };

/**
 * The time as ISO 8601, for pino. All but the milliseconds is made once a second: a date for each line would cost as
 * much as the rest of it.
 */
function isoTime(): string {
  const now = Date.now();
  const second = Math.floor(now / 1000);
  if (second !== clock.second) {
    clock.second = second;
    clock.prefix = `,"time":"${new Date(now).toISOString().slice(0, 20)}`;
  }
  return `${clock.prefix}${String(now % 1000).padStart(3, '0')}Z"`;
}

/** The service's logger: JSON lines with levels as words and times as ISO 8601. */
export function createLogger(level: string, stream: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: isoTime,
      redact: { paths: redacted, censor: '[redacted]' },
      // Neither the URL, whose path and query come from the client, nor the headers.
      serializers: {
        req: (request: FastifyRequest) => ({ method: request.method, route: request.template }),
        res: (reply: FastifyReply) => ({ status: reply.statusCode }),
        err: stdSerializers.err,
      },
    },
    stream,
  );
}

/**
 * Silences the lines that Fastify writes of each request: one line at its end is enough, and observed-requests.ts
 * writes it.
 */
export class NoRequestLines extends LogController {
  constructor() {
    super({ disableRequestLogging: true, requestIdLogLabel: 'trace_id' });
  }

  // The two that Fastify writes whatever is disabled.
  override serviceUnavailable(): void {
    // Cannot happen: requests are answered until the port is closed.
  }

  override routeNotFound(): void {
    // The request's own line says so.
  }
}

/**
 * The logger of a request, with its trace id. It is made when something is logged, since most requests leave nothing but
 * their own line, and a child of the logger costs as much as that.
 */
class RequestLogger {
  readonly #parent: FastifyBaseLogger;
  readonly #bindings: object;
  readonly #options: object;
  #logger: FastifyBaseLogger | undefined;

  constructor(parent: FastifyBaseLogger, bindings: object, options: object) {
    this.#parent = parent;
    this.#bindings = bindings;
    this.#options = options;
  }

  get #own(): FastifyBaseLogger {
    this.#logger ??= this.#parent.child(this.#bindings, this.#options);
    return this.#logger;
  }

  get level(): string {
    return this.#own.level;
  }

  set level(level: string) {
    this.#own.level = level;
  }

  child(...args: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return this.#own.child(...args);
  }

  fatal(...args: LogArguments): void {
    this.#own.fatal(...args);
  }

  error(...args: LogArguments): void {
    this.#own.error(...args);
  }

  warn(...args: LogArguments): void {
    this.#own.warn(...args);
  }

  info(...args: LogArguments): void {
    this.#own.info(...args);
  }

  debug(...args: LogArguments): void {
    this.#own.debug(...args);
  }

  trace(...args: LogArguments): void {
    this.#own.trace(...args);
  }

  silent(...args: LogArguments): void {
    this.#own.silent(...args);
  }
}

type LogArguments = [object: unknown, message?: string, ...values: unknown[]];

/** For Fastify: the logger of a request, of which there is a new one for each. */
export function requestLogger(parent: FastifyBaseLogger, bindings: object, options: object): FastifyBaseLogger {
  return new RequestLogger(parent, bindings, options);
}
