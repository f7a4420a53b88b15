import { setTimeout as sleep } from 'node:timers/promises';
import type { Thing } from './cloud.ts';

/** AWS refuses a call, in its own words: `code: message`. Helm's provider says them as a summary and its detail. */
export class AwsError extends Error {
  readonly code: string;
  readonly detail: string;

  constructor(code: string, detail: string) {
    super(`${code}: ${detail}`);
    this.name = 'AwsError';
    this.code = code;
    this.detail = detail;
  }
}

/** Something that happened. */
export interface Operation {
  readonly operation: 'create' | 'update' | 'delete';
  readonly type: string;
  readonly id: string;
  /** Place in the order of all beginnings and ends. */
  readonly began: number;
  ended: number;
}

/** What is to go wrong. */
export interface Faults {
  /** How often AWS answers "Throttling" before each operation succeeds. */
  throttle: number;
  /** How many operations pass before others know what is new (limits/late.ts). */
  propagation: number;
  /** Milliseconds that operations on a type take; at least 1. */
  delays: Readonly<Record<string, number>>;
  /** Called before each operation that changes something, with its number from 1; may end the caller. */
  before: (operation: number) => void;
  /** Called after it; the answer waits for it. */
  after: (operation: number) => void | Promise<void>;
  /** Called when the command line asks the provider to stop, as it does on an interrupt. */
  stopping: () => void;
}

// AWS's own SDK gives up after as many.
const ATTEMPTS = 25;

const nothing = (): void => undefined;

/** Runs operations as AWS does: one may be throttled, takes a while, and others run meanwhile. */
export class Operations {
  readonly timeline: Operation[] = [];
  readonly faults: Faults = {
    throttle: 0,
    propagation: 0,
    delays: {},
    before: nothing,
    after: nothing,
    stopping: nothing,
  };
  /** How many were begun. */
  count = 0;
  /** How often a caller was throttled. */
  throttled = 0;
  #moment = 0;

  /** @param id of what is changed; nothing where it is only being created */
  async run(operation: Operation['operation'], type: string, id: string, act: () => Thing): Promise<Thing> {
    this.#throttle();
    const number = (this.count += 1);
    this.faults.before(number);
    const entry: Operation = {
      operation,
      type,
      id,
      began: (this.#moment += 1),
      ended: Number.POSITIVE_INFINITY,
    };
    this.timeline.push(entry);
    await sleep(this.faults.delays[type] ?? 1);
    const thing = act();
    this.timeline[this.timeline.indexOf(entry)] = { ...entry, id: thing.id, ended: (this.#moment += 1) };
    await this.faults.after(number);
    return thing;
  }

  #throttle(): void {
    for (let attempt = 1; attempt <= this.faults.throttle; attempt += 1) {
      this.throttled += 1;
      if (attempt === ATTEMPTS) throw new AwsError('Throttling', 'Rate exceeded');
    }
  }
}
