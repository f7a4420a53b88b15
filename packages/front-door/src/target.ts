import { Pool } from 'undici';
import type { TargetGroupSettings } from './annotations.ts';
import type { Delays } from './delays.ts';
import type { Endpoint } from './endpoints.ts';
import { checkHealth, type Failure } from './health-check.ts';

/** As DescribeTargetHealth names it. */
export type TargetState = 'initial' | 'healthy' | 'unhealthy' | 'draining';

/** What every target of a front door knows. */
export interface TargetContext {
  readonly delays: Delays;
  /** Milliseconds of one second of the settings; 1000, and less in tests. */
  readonly second: number;
  /** Called after each change of a target's state. */
  readonly onChange: () => void;
}

/** A request that a target works on. */
export interface RunningRequest {
  /** Ends it: its target's deregistration delay is over. */
  abort(): void;
}

/** Closes idle connections now, and the others with their requests. */
const closePool = (pool: Pool | undefined): void => {
  // It fails when the pool is closed already.
  pool?.close().catch(() => undefined);
};

/**
 * A pod as a target of a load balancer, from its registration to the end of its deregistration. States, reasons and
 * transitions are AWS's ("Health checks for Application Load Balancer target groups" in the user guide): one passed check
 * makes an initial target healthy, thresholds apply afterwards.
 */
export class Target {
  state: TargetState = 'initial';
  reason: string | undefined = 'Elb.RegistrationInProgress';
  description: string | undefined = 'Target registration is in progress';
  since = new Date();
  requests = 0;
  readonly running = new Set<RunningRequest>();
  /** Whether new requests may come: registered, and the load balancer does not know yet of a deregistration. */
  isRoutable = false;
  /** Whether its last health checks passed; kept while it drains. */
  isHealthy = false;
  readonly endpoint: Endpoint;

  readonly #settings: () => TargetGroupSettings;
  readonly #context: TargetContext;
  readonly #timers = new Set<NodeJS.Timeout>();
  #pool: Pool | undefined;
  #poolIdleTimeout: number | undefined;
  #passed = 0;
  #failed = 0;

  constructor(endpoint: Endpoint, settings: () => TargetGroupSettings, context: TargetContext) {
    this.endpoint = endpoint;
    this.#settings = settings;
    this.#context = context;
    this.#after(context.delays.registrationSeconds, () => {
      this.isRoutable = true;
      this.#become('initial', 'Elb.InitialHealthChecking', 'Initial health checks in progress');
      this.#check();
    });
  }

  /**
   * The connections to it: reused until they are idle for the load balancer's idle timeout. What the target says in
   * `Keep-Alive: timeout=` is ignored, since an ALB ignores it: a target that closes earlier loses requests.
   * @param idleTimeoutSeconds also how long a response may pause
   */
  pool(idleTimeoutSeconds: number): Pool {
    const idle = idleTimeoutSeconds * this.#context.second;
    if (this.#pool !== undefined && this.#poolIdleTimeout === idle) return this.#pool;
    closePool(this.#pool);
    this.#poolIdleTimeout = idle;
    this.#pool = new Pool(`http://${this.endpoint.address}:${this.endpoint.port}`, {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: idle,
      keepAliveMaxTimeout: idle,
      // Subtracted from the target's hint; so every hint is longer than the maximum.
      keepAliveTimeoutThreshold: -idle,
      headersTimeout: idle,
      bodyTimeout: idle,
      connect: { timeout: this.#context.delays.connectTimeoutSeconds * this.#context.second },
    });
    return this.#pool;
  }

  /**
   * Deregisters it. It is draining at once; new requests end when the load balancer's nodes know, connections end with
   * their requests, and what still runs when the deregistration delay is over is aborted ("Deregistration delay").
   * @param onGone called when nothing is left of it
   */
  deregister(onGone: () => void): void {
    this.#clearTimers();
    this.#become('draining', 'Target.DeregistrationInProgress', 'Target deregistration is in progress');
    const { deregistrationDelaySeconds } = this.#settings();
    const { deregistrationSeconds } = this.#context.delays;
    if (this.isRoutable) {
      this.#after(deregistrationSeconds, () => {
        this.isRoutable = false;
        closePool(this.#pool);
      });
    }
    this.#after(Math.max(deregistrationSeconds, deregistrationDelaySeconds), () => {
      this.end();
      onGone();
    });
  }

  /** Aborts everything at once. */
  end(): void {
    this.#clearTimers();
    this.isRoutable = false;
    for (const request of [...this.running]) request.abort();
    this.#pool?.destroy().catch(() => undefined);
  }

  #check(): void {
    const { healthCheck } = this.#settings();
    const { second } = this.#context;
    // Each interval has its own check; a slow one does not delay the next ("Health check settings").
    this.#after(healthCheck.intervalSeconds, () => {
      this.#check();
    });
    void checkHealth(healthCheck, this.endpoint.address, this.endpoint.port, second).then((failure) => {
      if (this.state === 'draining') return;
      if (failure === undefined) this.#pass();
      else this.#fail(failure);
    });
  }

  #pass(): void {
    this.#failed = 0;
    this.#passed += 1;
    if (this.state === 'unhealthy' && this.#passed < this.#settings().healthCheck.healthyThreshold) return;
    this.isHealthy = true;
    this.#become('healthy', undefined, undefined);
  }

  #fail({ reason, description }: Failure): void {
    this.#passed = 0;
    this.#failed += 1;
    if (this.#failed < this.#settings().healthCheck.unhealthyThreshold) return;
    this.isHealthy = false;
    this.#become('unhealthy', reason, description);
  }

  #become(state: TargetState, reason: string | undefined, description: string | undefined): void {
    if (this.state === state && this.reason === reason && this.description === description) return;
    if (this.state !== state) this.since = new Date();
    this.state = state;
    this.reason = reason;
    this.description = description;
    this.#context.onChange();
  }

  #after(seconds: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, seconds * this.#context.second);
    this.#timers.add(timer);
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
