import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DestinationStream } from 'pino';
import { timings } from './timings.ts';

/** Where the log's lines go. Writing never waits for a reader. */
export interface LogOutput extends DestinationStream {
  /** Writes what it can at once; pino calls it after a fatal line. */
  readonly flushSync: () => void;
  /** Goes on writing until all is written, for so many seconds at most. */
  readonly drain: (seconds: number) => Promise<void>;
}

// A write for each line would cost a good part of a request, so they are gathered into blocks.
const BLOCK = 64 * 1024;
const FULL = 32 * 1024;
/** Bytes kept for a reader that does not read; lines beyond that are lost. */
const MAX_WAITING = 8_000_000;
/** How often a write is tried again at the end. */
const RETRY_MS = 10;

/**
 * Standard output, in blocks: one is written when it has 32 KiB, after `timings.logFlush`, and at once when a line is
 * fatal. Up to 8 MB wait for a reader that does not read; lines beyond that, and all lines once the reader is gone, are
 * lost.
 * @param onLost called with the number of lost lines
 */
export function standardOutput(onLost: (lines: number) => void): LogOutput {
  doNotBlock(1);
  const output = blockOutput({ write: (bytes) => writeSync(1, bytes), onLost });
  process.on('exit', output.flushSync);
  return output;
}

/**
 * From now on a full pipe refuses a write instead of holding it up, and the process with it, even its end. Node.js has
 * no name for that, but does it for every socket.
 */
function doNotBlock(fd: number): void {
  try {
    new Socket({ fd, readable: false, writable: true }).unref();
  } catch {
    // A file or a terminal, which takes whatever is written.
  }
}

export interface BlockOutputOptions {
  /** Writes bytes and gives how many it took; throws EAGAIN where it takes none now. */
  readonly write: (bytes: Buffer) => number;
  readonly onLost: (lines: number) => void;
}

/** Gathers lines into blocks and writes them one after the other, each as far as it goes. */
export function blockOutput({ write, onLost }: BlockOutputOptions): LogOutput {
  const block = Buffer.allocUnsafe(BLOCK);
  let filled = 0;
  /** Older than the block, and not yet written. */
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let timer: NodeJS.Timeout | undefined;

  function keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    // A copy: the block is filled anew.
    waiting.push(Buffer.from(bytes));
    waitingBytes += bytes.length;
  }

  /** What is left of some bytes when as many as go now are written. */
  function writeSome(bytes: Buffer): Buffer {
    let rest = bytes;
    try {
      while (rest.length > 0) rest = rest.subarray(write(rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return rest;
      // Whoever read it is gone. Another reader may come, so the next lines are tried again.
      onLost(linesIn(rest));
      return rest.subarray(rest.length);
    }
    return rest;
  }

  function flush(): void {
    let next = 0;
    for (const bytes of waiting) {
      const rest = writeSome(bytes);
      waitingBytes -= bytes.length - rest.length;
      waiting[next] = rest;
      if (rest.length > 0) break;
      next += 1;
    }
    waiting = waiting.slice(next);
    if (waiting.length === 0) keep(writeSome(block.subarray(0, filled)));
    else if (filled >= FULL) keep(block.subarray(0, filled));
    else return;
    filled = 0;
  }

  function flushSoon(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      flush();
      if (waiting.length > 0) flushSoon();
    }, timings.logFlush * 1000).unref();
  }

  return {
    write(line) {
      if (waitingBytes > MAX_WAITING) {
        onLost(1);
        return;
      }
      if (filled + Buffer.byteLength(line) > BLOCK) {
        flush();
        keep(block.subarray(0, filled));
        filled = 0;
      }
      if (Buffer.byteLength(line) > BLOCK) keep(Buffer.from(line));
      else filled += block.write(line, filled);
      if (filled >= FULL) flush();
      else flushSoon();
    },
    flushSync: flush,
    async drain(seconds) {
      const end = performance.now() + seconds * 1000;
      flush();
      while (waiting.length > 0 && performance.now() < end) {
        await sleep(RETRY_MS);
        flush();
      }
    },
  };
}

function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count += 1;
  return count;
}
