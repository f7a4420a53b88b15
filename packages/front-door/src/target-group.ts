import type { Endpoint, SimulatedEndpoint } from './endpoints.ts';
import type { TargetGroupSpec } from './model.ts';
import { Target, type TargetContext } from './target.ts';

const idOf = ({ ip, port }: SimulatedEndpoint): string => `${ip}:${port}`;

/** A pod behind the same address is another target. */
const isSame = (a: Endpoint, b: Endpoint): boolean => a.uid === b.uid && a.address === b.address;

/** A Service's pods as targets. */
export class TargetGroup {
  spec: TargetGroupSpec;
  readonly #context: TargetContext;
  readonly #registered = new Map<string, Target>();
  readonly #draining = new Set<Target>();
  #turn = 0;

  constructor(spec: TargetGroupSpec, context: TargetContext) {
    this.spec = spec;
    this.#context = context;
  }

  /** Registers new endpoints and deregisters those that are gone. */
  update(spec: TargetGroupSpec): void {
    this.spec = spec;
    const present = new Map(spec.endpoints.registered.map((endpoint) => [idOf(endpoint), endpoint]));
    for (const [id, target] of this.#registered) {
      const endpoint = present.get(id);
      if (endpoint === undefined || !isSame(endpoint, target.endpoint)) this.#deregister(id, target);
    }
    for (const [id, endpoint] of present)
      if (!this.#registered.has(id))
        this.#registered.set(id, new Target(endpoint, () => this.spec.settings, this.#context));
  }

  #deregister(id: string, target: Target): void {
    this.#registered.delete(id);
    this.#draining.add(target);
    target.deregister(() => this.#draining.delete(target));
  }

  /** Deregisters all. */
  drain(): void {
    for (const [id, target] of this.#registered) this.#deregister(id, target);
  }

  end(): void {
    for (const target of this.targets()) target.end();
  }

  /** All that are registered, and those that drain. */
  targets(): Target[] {
    return [...this.#registered.values(), ...this.#draining];
  }

  isEmpty(): boolean {
    return this.#registered.size === 0 && this.#draining.size === 0;
  }

  /** The registered target of a pod. */
  targetOf(uid: string): Target | undefined {
    return [...this.#registered.values()].find(({ endpoint }) => endpoint.uid === uid);
  }

  /**
   * The target of the next request; undefined when none is registered. Only healthy ones, and all of them when none is
   * healthy: the load balancer fails open ("Health checks for Application Load Balancer target groups").
   */
  pick(): Target | undefined {
    const routable = this.targets().filter(({ isRoutable }) => isRoutable);
    const healthy = routable.filter(({ isHealthy }) => isHealthy);
    const candidates = healthy.length > 0 ? healthy : routable;
    this.#turn += 1;
    let best: Target | undefined;
    for (let index = 0; index < candidates.length; index += 1) {
      const target = candidates[(this.#turn + index) % candidates.length];
      if (this.spec.settings.algorithm === 'round_robin') return target;
      if (target !== undefined && (best === undefined || target.running.size < best.running.size)) best = target;
    }
    return best;
  }
}
