import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** An answer as it goes over the wire. */
export interface Answer {
  readonly body: string;
  /** Strong: equal tags mean equal bytes. */
  readonly etag: string;
  /** Milliseconds of the cache's clock. */
  readonly storedAt: number;
}

/** Where an answer came from; see the metric cache_answers_total. */
export type CacheResult = 'hit' | 'stale' | 'miss' | 'collapsed';

export interface AnswerCacheOptions {
  readonly freshSeconds: number;
  /** How long after that an answer is still served, while a new one is made. */
  readonly staleSeconds: number;
  /** Of all bodies and keys together; the least recently used make room. 0 keeps nothing. */
  readonly maxBytes: number;
  /** Told when a new answer for a stale one could not be made; the stale one stays. */
  readonly onRefreshError: (error: unknown) => void;
  readonly onEvicted?: () => void;
  /** Milliseconds of a clock that never goes back; performance.now where left out. */
  readonly now?: () => number;
}

/** Makes the body of an answer. */
export type MakeBody = () => Promise<string> | string;

/**
 * Answers in memory, bounded in size and age. At most one is being made for each key; whoever asks meanwhile waits for
 * it, or gets the stale one. Errors are not kept. Each process has its own.
 *
 * Ages come from the monotonic clock: setting the time of the machine makes no answer older or younger.
 */
export class AnswerCache {
  readonly #answers: LRUCache<string, Answer>;
  readonly #fresh: number;
  readonly #now: () => number;
  readonly #onRefreshError: (error: unknown) => void;
  // Not lru-cache's own fetch: an eviction would abort what others wait for (node-lru-cache#320).
  readonly #making = new Map<string, Promise<Answer>>();

  constructor({
    freshSeconds,
    staleSeconds,
    maxBytes,
    onRefreshError,
    onEvicted,
    now = () => performance.now(),
  }: AnswerCacheOptions) {
    this.#fresh = freshSeconds * 1000;
    this.#now = now;
    this.#onRefreshError = onRefreshError;
    const ttl = (freshSeconds + staleSeconds) * 1000;
    this.#answers = new LRUCache({
      // An answer that is larger than all of the cache is not kept; so 1 byte, or no time, keeps none.
      maxSize: ttl === 0 ? 1 : Math.max(1, maxBytes),
      ttl: Math.max(1, ttl),
      ttlResolution: 0,
      perf: { now },
      sizeCalculation: ({ body }, key) => body.length + key.length,
      dispose: (_answer, _key, reason) => {
        if (reason === 'evict') onEvicted?.();
      },
    });
  }

  get entries(): number {
    return this.#answers.size;
  }

  get bytes(): number {
    return this.#answers.calculatedSize;
  }

  has(key: string): boolean {
    return this.#answers.has(key);
  }

  /** What is left of an answer's freshness, in milliseconds; negative once it is stale. */
  freshFor(answer: Answer): number {
    return answer.storedAt + this.#fresh - this.#now();
  }

  /** A fresh answer, at once. */
  fresh(key: string): Answer | undefined {
    const answer = this.#answers.get(key);
    return answer !== undefined && this.freshFor(answer) > 0 ? answer : undefined;
  }

  /**
   * The answer for a key, made if need be.
   * @throws what `make` throws, for everybody who waits for it
   */
  async find(key: string, make: MakeBody): Promise<{ answer: Answer; result: CacheResult }> {
    const known = this.#answers.get(key);
    if (known !== undefined) {
      if (this.freshFor(known) > 0) return { answer: known, result: 'hit' };
      if (!this.#making.has(key)) this.#makeOnce(key, make).catch(this.#onRefreshError);
      return { answer: known, result: 'stale' };
    }
    const making = this.#making.get(key);
    return making === undefined
      ? { answer: await this.#makeOnce(key, make), result: 'miss' }
      : { answer: await making, result: 'collapsed' };
  }

  #makeOnce(key: string, make: MakeBody): Promise<Answer> {
    const making = this.#make(key, make).finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }

  async #make(key: string, make: MakeBody): Promise<Answer> {
    const body = await make();
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const answer = { body, etag, storedAt: this.#now() };
    this.#answers.set(key, answer);
    return answer;
  }
}
