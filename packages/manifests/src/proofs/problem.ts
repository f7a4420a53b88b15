/** What is wrong with a rendered object. */
export interface Problem {
  /** Deployment/fastify-service */
  readonly object: string;
  /**
   * spec.template.spec.containers[api].image; containers, ports and other named things by their names. Empty if it
   * concerns the whole object.
   */
  readonly path: string;
  /** What must hold, with the values seen. */
  readonly rule: string;
}
