// Copies of the service beside the one that Argo CD deploys, each in a namespace of its own: what a change of its numbers
// breaks. The chart's schema refuses most such changes, so they are made to the objects that it renders.
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { clusterEnvironment } from '@gitops/local';
import { run } from '@gitops/tools/run';
import { targetsOf } from './front-door.ts';
import { APP, type Stack } from './stack.ts';

/** The parts of the rendered objects that drills change. */
export interface PodSpec {
  terminationGracePeriodSeconds: number;
  containers: [Container];
}
interface Container {
  env?: { name: string; value: string }[];
  lifecycle?: { preStop: { sleep: { seconds: number } } };
  readinessProbe?: object;
  startupProbe?: object;
}
export interface Rendered {
  readonly deployment: {
    readonly spec: { strategy: { rollingUpdate: object }; readonly template: { readonly spec: PodSpec } };
  };
  readonly ingress: { readonly metadata: { readonly annotations: Record<string, string> } };
  readonly config: { readonly data: Record<string, string> };
  readonly namespace: { readonly metadata: { readonly labels: Record<string, string> } };
}

/** Requests that a copy got, and those that were not answered with 200, by what was answered in place of it. */
export interface Counted {
  readonly requests: number;
  readonly lost: number;
  readonly answers: Readonly<Record<string, number>>;
}

const hostOf = (name: string): string => `${name}.localhost`;

/** The objects of a copy, changed. */
async function render(stack: Stack, name: string, change: (rendered: Rendered) => void): Promise<object[]> {
  const [, repository = '', tag = '', digest = ''] = /^(.+):([^:@]+)@(.+)$/.exec(await stack.image()) ?? [];
  const values = {
    'image.repository': repository,
    'image.tag': tag,
    'image.digest': digest,
    host: hostOf(name),
    // One pod, so that every request meets the pod that is replaced.
    replicas: '1',
    'podDisruptionBudget.enabled': 'false',
    'rollout.minReadySeconds': '0',
    // All copies have to fit on the nodes of this machine.
    'resources.cpu': '10m',
    'ingress.https': 'false',
    'networkPolicy.loadBalancerCidrs': '{127.0.0.0/8}',
  };
  const args = ['template', APP, join(stack.instance.root, 'charts/fastify-service'), '--namespace', name];
  const sets = Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const manifests = await run(join(stack.tools.bin, 'helm'), [...args, ...sets]);
  const objects = parseAllDocuments(manifests).map((document) => document.toJS() as { kind: string });
  const ofKind = (kind: string): unknown => objects.find((object) => object.kind === kind);
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'elbv2.k8s.aws/pod-readiness-gate-inject': 'enabled' } },
  };
  change({
    deployment: ofKind('Deployment'),
    ingress: ofKind('Ingress'),
    config: ofKind('ConfigMap'),
    namespace,
  } as Rendered);
  return [namespace, ...objects];
}

/** Deletes a copy, with its namespace; its pods end in their own time. */
export async function deleteCopy(stack: Stack, name: string): Promise<void> {
  await stack.kubectl('delete', 'namespace', name, '--wait=false', '--ignore-not-found');
}

/** A copy that runs. */
export class Copy {
  readonly name: string;
  readonly #stack: Stack;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 50 });
  #requests = 0;
  readonly #answers: Record<string, number> = {};

  private constructor(stack: Stack, name: string) {
    this.#stack = stack;
    this.name = name;
  }

  static async create(stack: Stack, name: string, change: (rendered: Rendered) => void): Promise<Copy> {
    const copy = new Copy(stack, name);
    await copy.#apply(await render(stack, name, change));
    return copy;
  }

  async #apply(objects: readonly object[]): Promise<void> {
    await run(join(this.#stack.tools.bin, 'kubectl'), ['apply', '--server-side', '-n', this.name, '-f', '-'], {
      env: clusterEnvironment(this.#stack.instance, this.#stack.tools),
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    });
  }

  async kubectl(...args: string[]): Promise<string> {
    return this.#stack.kubectl('-n', this.name, ...args);
  }

  /** Whether the load balancer has found all of its pods healthy. */
  async isHealthy(): Promise<boolean> {
    const targets = await targetsOf(this.#stack, `${this.name}/${APP}`);
    return targets.length > 0 && targets.every(({ state }) => state === 'healthy');
  }

  /** Replaces its pods, as a new image would. */
  async rollOut(): Promise<void> {
    await this.kubectl('rollout', 'restart', `deployment/${APP}`);
  }

  get counted(): Counted {
    const lost = Object.values(this.#answers).reduce((sum, count) => sum + count, 0);
    return { requests: this.#requests, lost, answers: this.#answers };
  }

  /**
   * One request, counted.
   * @param uploadSeconds how long its body takes to arrive
   */
  async ask({ uploadSeconds = 0 } = {}): Promise<void> {
    const answer = await this.#send({ uploadSeconds }).catch((error: unknown) => (error as NodeJS.ErrnoException).code);
    this.#requests += 1;
    if (answer !== 200) this.#answers[String(answer)] = (this.#answers[String(answer)] ?? 0) + 1;
  }

  async #send({ uploadSeconds = 0 }): Promise<number> {
    const body = JSON.stringify({ cidrs: ['10.0.0.0/16', '10.1.0.0/16'] });
    const isUpload = uploadSeconds > 0;
    const headers = {
      host: hostOf(this.name),
      ...(isUpload && { 'content-type': 'application/json', 'content-length': body.length }),
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: '127.0.0.1',
          port: this.#stack.ports['front-door'],
          agent: this.#agent,
          method: isUpload ? 'POST' : 'GET',
          path: isUpload ? '/v1/overlaps' : '/v1/reserved-ranges?limit=10',
          headers,
        },
        (response) => {
          response.resume();
          response.on('end', () => {
            resolve(response.statusCode ?? 0);
          });
          response.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      if (!isUpload) {
        outgoing.end();
        return;
      }
      outgoing.write(body.slice(0, 10));
      void sleep(uploadSeconds * 1000).then(() => outgoing.end(body.slice(10)));
    });
  }
}
