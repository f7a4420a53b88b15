import type { FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.ts';

/** What a service answers. All else, such as probes, metrics, logs, limits and its end, is the same for every service. */
export interface Api {
  /** The name of its Application and its image. */
  readonly name: string;
  /** What its OpenAPI document says of it. */
  readonly document: {
    readonly title: string;
    readonly description: string;
    /** Of the API, not of the service: it changes when clients have to. */
    readonly version: string;
    readonly tags: readonly { readonly name: string; readonly description: string }[];
  };
  /**
   * Adds its routes.
   * @param registry for counters of what the business wants to know
   */
  readonly routes: (app: FastifyInstance, registry: Metrics['registry']) => Promise<void>;
}
