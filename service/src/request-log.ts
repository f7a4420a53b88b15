import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';
import { timings } from './timings.ts';

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

/**
 * Standard output, gathered into blocks, since a write for each line would cost a good part of a request. A block is
 * written when it has 16 KiB or after `timings.logFlush`, and at once when a line is fatal. A reader that stands still
 * stops nobody: up to 8 MB wait for it, and lines beyond that are lost.
 * @param onLost called for each lost line
 */
export function standardOutput(onLost: () => void): DestinationStream {
  const destination = pino.destination({
    minLength: 16_384,
    maxWrite: 65_536,
    maxLength: 8_000_000,
    sync: false,
    periodicFlush: timings.logFlush * 1000,
  });
  destination.on('drop', onLost);
  process.on('exit', () => {
    destination.flushSync();
  });
  return destination;
}

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
      // What a request may tell: neither its URL, whose query and path are the client's, nor its headers.
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
    // Told by the request's own line.
  }
}
