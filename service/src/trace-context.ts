import { randomFillSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

// version 2 digits, trace-id 32, parent-id 16, flags 2 (W3C Trace Context, 3.2.2); a later version may add more after a
// dash.
const grammar = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;

/**
 * The trace that a request belongs to, as 32 hex digits: the one of its `traceparent` where that is valid, else a new
 * one. Nothing else of what a caller sends becomes an id.
 */
export function traceIdOf(request: IncomingMessage): string {
  const { traceparent } = request.headers;
  if (typeof traceparent === 'string' && (traceparent.length === 55 || !traceparent.startsWith('00'))) {
    const traceId = grammar.exec(traceparent)?.[1];
    if (traceId !== undefined) return traceId;
  }
  return newTraceId();
}

// Random bytes for the next 256 ids: asking for 16 at a time costs more than all the rest.
const ID_BYTES = 16;
const random = Buffer.alloc(256 * ID_BYTES);
let used = random.length;

/** A trace id of our own, as 32 hex digits. */
export function newTraceId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const id = random.toString('hex', used, used + ID_BYTES);
  used += ID_BYTES;
  // The grammar's one exception.
  return id === '0'.repeat(2 * ID_BYTES) ? newTraceId() : id;
}
