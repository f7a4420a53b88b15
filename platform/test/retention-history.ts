import type { LifecyclePolicy } from '../src/retention.ts';
import { expired, type StoredImage } from './retention-evaluator.ts';

export const CLUSTERS = ['dev', 'staging', 'production'];

/** How images are kept: ECR's rules, and the tags that CI sets. */
export interface Protocol {
  readonly policy: LifecyclePolicy;
  /** The tag of a cluster's nth deployment; none where nothing is tagged. */
  readonly deployed?: (cluster: string, deployment: number) => string;
  /** The tag of what a pull request would deploy to a cluster. */
  readonly proposed?: (cluster: string, number: number) => string;
}

/** Something that happens to a registry. */
export type Step =
  | { readonly do: 'build' }
  | { readonly do: 'promote'; readonly cluster: string }
  | { readonly do: 'rollback'; readonly cluster: string; readonly back: number }
  | { readonly do: 'merge' | 'close'; readonly which: number }
  | { readonly do: 'wait'; readonly days: number };

/**
 * Replays a history. ECR applies its rules after every single change, at the worst moments too.
 * @param kept how many of the latest deployments of each cluster must stay
 * @returns the first image that was missing while main, a pull request or the kept deployments named it; undefined
 *   where none ever was
 */
export function firstLoss(protocol: Protocol, history: readonly Step[], kept: number): string | undefined {
  const registry = new Registry(protocol, kept);
  for (const step of history) {
    registry.replay(step);
    if (registry.loss !== undefined) return registry.loss;
  }
  return undefined;
}

interface PullRequest {
  readonly number: number;
  readonly cluster: string;
  readonly digest: string;
}

class Registry {
  /** The first image that was missing, in words. */
  loss: string | undefined;
  readonly #protocol: Protocol;
  readonly #kept: number;
  readonly #deployments = new Map(CLUSTERS.map((cluster) => [cluster, [] as string[]]));
  #images: StoredImage[] = [];
  #requests: PullRequest[] = [];
  #requestCount = 0;
  #builds = 0;
  /** In days. */
  #now = 0;

  constructor(protocol: Protocol, kept: number) {
    this.#protocol = protocol;
    this.#kept = kept;
  }

  replay(step: Step): void {
    this.#now += 0.01;
    switch (step.do) {
      case 'build':
        this.#build();
        break;
      case 'promote':
        this.#propose(step.cluster, this.#deployed(step.cluster === 'staging' ? 'dev' : 'staging').at(-1));
        break;
      case 'rollback':
        this.#propose(step.cluster, this.#deployed(step.cluster).at(-1 - step.back));
        break;
      case 'merge':
      case 'close':
        this.#end(this.#requests[step.which % Math.max(1, this.#requests.length)], step.do === 'merge');
        break;
      case 'wait':
        this.#now += step.days;
        this.#expire();
    }
  }

  #build(): void {
    this.#builds += 1;
    const digest = `image ${this.#builds}`;
    this.#images.push({ digest, tags: [`version-${digest}`], pushedAt: this.#now });
    this.#tag(digest, this.#protocol.deployed?.('dev', this.#deployed('dev').length));
    this.#expire();
    this.#deploy('dev', digest);
  }

  /** Opens a pull request; CI refuses one whose image does not exist. */
  #propose(cluster: string, digest: string | undefined): void {
    if (digest === undefined || !this.#exists(digest)) return;
    this.#requestCount += 1;
    const number = this.#requestCount;
    this.#tag(digest, this.#protocol.proposed?.(cluster, number));
    this.#requests.push({ number, cluster, digest });
    this.#expire();
  }

  /** Merges or closes a pull request. */
  #end(request: PullRequest | undefined, isMerged: boolean): void {
    if (request === undefined) return;
    const { number, cluster, digest } = request;
    this.#requests = this.#requests.filter((other) => other !== request);
    if (isMerged) {
      const deployment = this.#deployed(cluster).length;
      this.#deploy(cluster, digest);
      this.#tag(digest, this.#protocol.deployed?.(cluster, deployment));
      this.#expire();
    }
    this.#untag(this.#protocol.proposed?.(cluster, number));
    this.#expire();
  }

  #deploy(cluster: string, digest: string): void {
    this.#deployed(cluster).push(digest);
    this.#expire();
  }

  #deployed(cluster: string): string[] {
    return this.#deployments.get(cluster) ?? [];
  }

  #exists(digest: string): boolean {
    return this.#images.some((image) => image.digest === digest);
  }

  /** A tag is on one image at a time. */
  #tag(digest: string, tag: string | undefined): void {
    if (tag === undefined) return;
    this.#untag(tag);
    this.#images = this.#images.map((image) =>
      image.digest === digest ? { ...image, tags: [...image.tags, tag] } : image,
    );
  }

  #untag(tag: string | undefined): void {
    if (tag === undefined) return;
    this.#images = this.#images.map((image) =>
      image.tags.includes(tag) ? { ...image, tags: image.tags.filter((other) => other !== tag) } : image,
    );
  }

  /** ECR applies its rules; then everything that is named is looked for. */
  #expire(): void {
    const gone = new Set(expired(this.#protocol.policy, this.#images, this.#now));
    this.#images = this.#images.filter((image) => !gone.has(image));
    for (const [cluster, digests] of this.#deployments) {
      for (const digest of digests.slice(-this.#kept))
        if (!this.#exists(digest)) this.loss ??= `${digest} of ${cluster}`;
    }
    for (const { cluster, digest } of this.#requests)
      if (!this.#exists(digest)) this.loss ??= `${digest}, proposed for ${cluster}`;
  }
}
