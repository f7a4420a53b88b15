import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { timings } from './timings.ts';

/** What the process has too little of: heap of V8, or memory of its container. */
export type MemoryShortage = 'heap' | 'memory';

/** Bytes in use. */
export interface MemoryUse {
  /** The old generation of V8's heap, garbage included. */
  readonly heap: number;
  /** All that is resident. */
  readonly resident: number;
}

/** Bytes above which memory is short; Infinity where there is no limit. */
export type MemoryLimits = MemoryUse;

// Above that V8 works ever harder, and then gives up; a container is ended by the kernel.
const SHARE = 0.9;
const MiB = 2 ** 20;
/** V8's default for the largest semi-space on 64 bits; its young generation is three of them. */
const DEFAULT_SEMI_SPACE = 32 * MiB;

/**
 * The limits of this process. V8 gives up when its old generation is full, while its limit of the whole heap counts
 * the young generation too, which holds nothing that lasts.
 * @param flags of Node.js, where the size of the semi-space may be set
 */
export function memoryLimits(
  flags: readonly string[] = [...(process.env.NODE_OPTIONS ?? '').split(/\s+/), ...process.execArgv],
): MemoryLimits {
  const whole = getHeapStatistics().heap_size_limit;
  const young = 3 * (semiSpaceOf(flags) ?? DEFAULT_SEMI_SPACE);
  const container = process.constrainedMemory();
  return {
    // Where V8 itself made the semi-space smaller, for a small heap, half is on the safe side.
    heap: Math.floor(Math.max(whole - young, whole / 2) * SHARE),
    // Without a cgroup limit, Node.js gives 0 or more than any machine has.
    resident: container > 0 && container < 2 ** 50 ? Math.floor(container * SHARE) : Infinity,
  };
}

/** `--max-semi-space-size=16` in bytes, the last one that is given. */
function semiSpaceOf(flags: readonly string[]): number | undefined {
  const text = flags
    .join(' ')
    .replaceAll('_', '-')
    .match(/--max-semi-space-size=\d+/g)
    ?.at(-1);
  return text === undefined ? undefined : Number(/\d+$/.exec(text)?.[0]) * MiB;
}

export function memoryUse(): MemoryUse {
  let heap = 0;
  for (const { space_name: name, space_used_size: bytes } of getHeapSpaceStatistics())
    if (!name.startsWith('new_')) heap += bytes;
  return { heap, resident: process.memoryUsage.rss() };
}

export interface MemoryWatchOptions {
  readonly limits?: MemoryLimits | undefined;
  readonly use?: (() => MemoryUse) | undefined;
  /** Collects the garbage; undefined where Node.js runs without --expose-gc. */
  readonly collect?: (() => void) | undefined;
  /** Milliseconds. */
  readonly now?: () => number;
}

/**
 * Checks the memory: each call gives what is short now. Memory in use includes garbage, and a process that refuses all
 * requests makes too little of it for V8 to collect soon. So memory counts as short only after a collection has shown
 * it, and while it does, a collection every `timings.collect` shows whether it still is.
 */
export function memoryWatch({
  limits = memoryLimits(),
  use = memoryUse,
  collect = collector(),
  now = () => performance.now(),
}: MemoryWatchOptions = {}): () => MemoryShortage | undefined {
  const shortage = ({ heap, resident }: MemoryUse): MemoryShortage | undefined =>
    heap > limits.heap ? 'heap' : resident > limits.resident ? 'memory' : undefined;
  let short: MemoryShortage | undefined;
  let collectedAt = -Infinity;
  return () => {
    let found = shortage(use());
    if (found !== undefined && collect !== undefined) {
      if (now() - collectedAt < timings.collect * 1000) return short;
      collect();
      collectedAt = now();
      found = shortage(use());
    }
    short = found;
    return short;
  };
}

function collector(): (() => void) | undefined {
  const { gc } = globalThis;
  if (gc === undefined) return undefined;
  return () => {
    gc();
  };
}
