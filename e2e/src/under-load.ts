import { type Failure, type Load, startLoad } from '@gitops/load/start-load';
import { progressTo } from '@gitops/report/progress';
import { table } from '@gitops/report/table';
import { ensureTools } from '@gitops/tools/tools';
import { type AnsweringPod, watchAnswers } from './front-door.ts';
import { APP, type Stack, until } from './stack.ts';

/** The name by which the front door knows the service (clusters/local/fastify-service.yaml). */
export const HOST = `${APP}.localhost`;

export interface LoadSize {
  /** Requests per second. */
  readonly rate: number;
  /** The least number of requests of each phase; it lasts longer where it takes longer. */
  readonly requests: number;
}

/** What happened in one phase of the load. Times in milliseconds since 1970. */
export interface Phase {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly requests: number;
  readonly pods: readonly AnsweringPod[];
  /** The least number of healthy targets at any moment of it. */
  readonly leastHealthy: number;
}

/** A phase, with the requests that failed or were refused while it lasted. */
export interface CountedPhase extends Phase {
  readonly failures: readonly Failure[];
}

/** A steady load on the service, while one thing after the other happens to its pods. */
export class UnderLoad {
  readonly #stack: Stack;
  readonly #load: Load;
  readonly #size: LoadSize;
  readonly #phases: Phase[] = [];

  private constructor(stack: Stack, load: Load, size: LoadSize) {
    this.#stack = stack;
    this.#load = load;
    this.#size = size;
  }

  static async start(stack: Stack, size: LoadSize): Promise<UnderLoad> {
    const { bin } = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false, builds: ['load'] });
    const url = `http://127.0.0.1:${stack.ports['front-door']}`;
    const load = startLoad({ bin }, { url, host: HOST, rate: size.rate, duration: 24 * 3600 });
    await load.started;
    return new UnderLoad(stack, load, size);
  }

  /** Does something under load, and goes on until all that followed from it is over: no pod is left that ends. */
  async phase(name: string, act: () => Promise<void>): Promise<Phase> {
    const watching = watchAnswers(this.#stack, `${APP}/${APP}`);
    const from = Date.now();
    const before = this.#load.count();
    const requests = (): number => this.#load.count() - before;
    try {
      await act();
      await atRest(this.#stack);
      await until(
        `${this.#size.requests} requests`,
        async () => Promise.resolve(requests() >= this.#size.requests ? true : undefined),
        (2000 * this.#size.requests) / this.#size.rate,
      );
    } finally {
      await watching.stop();
    }
    const phase = {
      name,
      from,
      to: Date.now(),
      requests: requests(),
      pods: [...watching.pods.values()],
      leastHealthy: watching.leastHealthy(),
    };
    this.#phases.push(phase);
    return phase;
  }

  /** Ends the load, and gives what each phase came to, `all` as the last one. */
  async stop(): Promise<{ phases: CountedPhase[]; dropped: number }> {
    const { requests, dropped, failures } = await this.#load.stop();
    const phases = this.#phases.map((phase) => ({
      ...phase,
      failures: failures.filter(({ time }) => time >= phase.from && time <= phase.to),
    }));
    const [first, last] = [this.#phases[0], this.#phases.at(-1)];
    const all = { name: 'all', from: first?.from ?? 0, to: last?.to ?? 0, pods: [], leastHealthy: 0 };
    return { phases: [...phases, { ...all, requests, failures }], dropped };
  }
}

/** Waits until the service has all its pods, all are available, and none is left that ends. */
export async function atRest(stack: Stack, namespace = APP, name = APP): Promise<void> {
  await until(
    `${namespace}/${name} at rest`,
    async () => {
      const deployment = JSON.parse(await stack.kubectl('-n', namespace, 'get', 'deployment', name, '-o', 'json')) as {
        metadata: { generation: number };
        spec: { replicas: number };
        status: Record<string, number | undefined>;
      };
      const { metadata, spec, status } = deployment;
      const isRolledOut =
        status.observedGeneration === metadata.generation &&
        [status.replicas, status.updatedReplicas, status.availableReplicas].every((count) => count === spec.replicas);
      if (!isRolledOut) return undefined;
      // Without that of the check after a release, which stays.
      const own = ['--selector', `app.kubernetes.io/name=${APP}`];
      const pods = await stack.kubectl('-n', namespace, 'get', 'pods', ...own, '-o', 'name');
      return pods.trim().split('\n').length === spec.replicas ? true : undefined;
    },
    180_000,
  );
}

/** What the phases came to, as a table. */
export function phaseTable(phases: readonly CountedPhase[]): string {
  return table(
    ['PHASE', 'SECONDS', 'REQUESTS', 'FAILED', 'PODS'],
    phases.map(({ name, from, to, requests, failures, pods }) => [
      name,
      ((to - from) / 1000).toFixed(1),
      String(requests),
      String(failures.length),
      String(pods.length),
    ]),
  );
}
