import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import {
  containerOf,
  ensureNamespace,
  eventsOf,
  isReady,
  NAMESPACE,
  type Pod,
  podOf,
  podUntil,
  processesOf,
  pushFault,
  removeNamespace,
} from '../src/faults.ts';
import { Stack, succeed, until } from '../src/stack.ts';

// Pods that cannot run: each says why in its status and by an event, as a kubelet does, and leaves nothing.

const stack = await Stack.open();
await ensureNamespace(stack);
t.teardown(async () => removeNamespace(stack));

const { reference: good } = await pushFault(stack, {}, 'good');

/** Makes the registry's copy of an image's own layer another one, on its disk. */
async function corrupt(digest: string): Promise<void> {
  const address = `http://127.0.0.1:${stack.ports.registry}`;
  const response = await fetch(`${address}/v2/faulty-service/manifests/${digest}`, {
    headers: {
      Accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json',
    },
  });
  const { layers } = (await response.json()) as { layers: { digest: string }[] };
  const hash = layers.at(-1)?.digest.replace('sha256:', '') ?? '';
  const blobs = join(stack.instance.dir, 'registry/docker/registry/v2/blobs/sha256');
  const file = join(blobs, hash.slice(0, 2), hash, 'data');
  const content = readFileSync(file);
  content[content.length - 10] = (content[content.length - 10] ?? 0) ^ 1;
  writeFileSync(file, content);
}

const waiting = ({ status }: Pod): { reason?: string; message?: string } =>
  status.containerStatuses?.[0]?.state.waiting ?? {};
const ended = ({ status }: Pod): { reason?: string; message?: string; exitCode?: number } =>
  status.containerStatuses?.[0]?.lastState.terminated ?? {};

interface Case {
  readonly title: string;
  readonly pod: object;
  /** What the pod's status must come to. */
  readonly status: (pod: Pod) => boolean;
  /** What its events must say. */
  readonly event: RegExp;
}

/** The status of a pod that waits for its image. */
const noImage = (pod: Pod): boolean => ['ErrImagePull', 'ImagePullBackOff'].includes(waiting(pod).reason ?? '');

/** A pod that the node refuses: scheduled by hand, so that the scheduler does not refuse it first. */
function refused(field: string, changes: object, container: object = {}, event = field): Case {
  const name = field.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  return {
    title: field,
    pod: podOf(name, containerOf(good, container), { nodeName: 'machine-a', ...changes }),
    status: ({ status }) =>
      status.phase === 'Failed' &&
      status.reason === 'PodFeatureUnsupported' &&
      status.message?.includes(event) === true &&
      status.containerStatuses === undefined,
    event: new RegExp(`^PodFeatureUnsupported .*does not support .*${event}`, 'm'),
  };
}

t.test('each says why, in its status and by an event', async (t) => {
  // One that no earlier run has pulled.
  const corrupted = await pushFault(stack, { readySeconds: Date.now() }, `corrupted-${Date.now()}`);
  await corrupt(corrupted.digest);
  // A program of the machine that listens on all addresses; pods have the same port on addresses of their own.
  const intruder = createServer().listen(0, '0.0.0.0');
  await once(intruder, 'listening');
  t.teardown(() => intruder.close());
  const { port: taken } = intruder.address() as AddressInfo;

  const cases: Case[] = [
    {
      title: 'a digest that is missing',
      pod: podOf('missing-digest', containerOf(`registry.internal/faulty-service:good@sha256:${'a'.repeat(64)}`)),
      status: noImage,
      event: /^Failed .*faulty-service@sha256:aaaa.* not found in the registry registry\.internal/m,
    },
    {
      title: 'a tag that the registry does not have',
      pod: podOf('missing-tag', containerOf('registry.internal/faulty-service:nope')),
      status: noImage,
      event: /^Failed .*faulty-service:nope.* not found in the registry registry\.internal/m,
    },
    {
      title: 'a registry that the node does not know',
      pod: podOf('unknown-registry', containerOf('ghcr.io/team/service:1'), { nodeName: 'machine-a' }),
      status: noImage,
      event: /^Failed .*ghcr\.io\/team\/service:1: this node does not know the registry ghcr\.io/m,
    },
    {
      title: 'a layer that is not what its digest says',
      pod: podOf('corrupted', containerOf(corrupted.reference)),
      status: noImage,
      event: /^Failed .*layer sha256:[0-9a-f]{64}: .*error verifying sha256 checksum/m,
    },
    {
      title: 'a command that does not exist',
      pod: podOf('no-command', containerOf(good, { command: ['/app/nothing'] })),
      status: (pod) => ended(pod).reason === 'StartError' && ended(pod).exitCode === 128,
      event: /^Failed .*exec: "\/app\/nothing": no such file in the image/m,
    },
    {
      title: 'a port that a program of the machine has on all addresses',
      pod: podOf(
        'taken-port',
        containerOf(good, { ports: [{ containerPort: taken }, { containerPort: 9090, name: 'admin' }] }),
      ),
      status: (pod) =>
        ended(pod).message?.includes(`port ${taken} is in use on all addresses of this machine`) === true,
      event: new RegExp(`^Failed .*port ${taken} is in use on all addresses`, 'm'),
    },
    {
      title: 'a port that another container of the pod has',
      pod: podOf('two-of-a-port', containerOf(good), {
        containers: [
          containerOf(good),
          containerOf(good, { name: 'second', ports: [], startupProbe: undefined, readinessProbe: undefined }),
        ],
      }),
      status: ({ status }) =>
        status.containerStatuses?.some(
          ({ restartCount, lastState }) => restartCount > 0 && lastState.terminated?.exitCode === 1,
        ) === true,
      event: /^BackOff Back-off restarting failed container/m,
    },
    {
      title: 'a readiness probe that points nowhere',
      pod: podOf(
        'probe-nowhere',
        containerOf(good, { readinessProbe: { httpGet: { path: '/', port: 9 }, periodSeconds: 1 } }),
      ),
      status: (pod) => !isReady(pod) && pod.status.containerStatuses?.[0]?.state.running !== undefined,
      event: /^Unhealthy Readiness probe failed: .*connection refused/m,
    },
    {
      title: 'a liveness probe that points nowhere',
      pod: podOf(
        'liveness-nowhere',
        containerOf(good, {
          livenessProbe: { httpGet: { path: '/', port: 9 }, periodSeconds: 1, failureThreshold: 1 },
        }),
      ),
      status: ({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0,
      event: /^Killing Container service failed liveness probe, will be restarted/m,
    },
    {
      title: 'an init container that fails',
      pod: podOf('init-fails', containerOf(good), {
        initContainers: [{ name: 'first', image: good, command: ['/nodejs/bin/node', '-e', 'process.exit(3)'] }],
      }),
      status: ({ status }) =>
        status.initContainerStatuses?.[0]?.lastState.terminated?.exitCode === 3 &&
        status.containerStatuses?.[0]?.state.waiting?.reason === 'PodInitializing',
      event: /^BackOff Back-off restarting failed container first/m,
    },
    refused(
      'spec.hostNetwork',
      { hostNetwork: true },
      { ports: [], startupProbe: undefined, readinessProbe: undefined },
    ),
    refused('spec.hostPID', { hostPID: true }),
    refused('hostPath', { volumes: [{ name: 'files', hostPath: { path: '/etc' } }] }, {}, 'volume files'),
    refused('claim', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'none' } }] }, {}, 'volume data'),
    refused('privileged', {}, { securityContext: { privileged: true } }, 'privileged container service'),
  ];
  for (const { pod } of cases) await stack.create(pod);
  for (const { title, pod, status, event } of cases) {
    const { name } = (pod as { metadata: { name: string } }).metadata;
    await t.test(title, async (t) => {
      await podUntil(stack, name, status);
      let events = '';
      await until(
        'its event',
        async () => (event.test((events = await eventsOf(stack, name))) ? true : undefined),
        20_000,
      ).catch(() => undefined);
      t.match(events, event);
    });
  }

  await t.test('make status names them', async (t) => {
    const { stdout } = await stack.make('status');
    for (const reason of [
      'PodFeatureUnsupported',
      /^spec-hostpid: .* does not support spec\.hostPID/m,
      /ErrImagePull|ImagePullBackOff/,
      new RegExp(`^taken-port: port ${taken} is in use on all addresses`, 'm'),
    ])
      t.match(stdout, reason);
  });

  await t.test('a port that is free again is the next start', async (t) => {
    intruder.close();
    const pod = await podUntil(
      stack,
      'taken-port',
      ({ status }) => status.containerStatuses?.[0]?.state.running !== undefined,
    );
    t.equal(processesOf(stack.instance, pod).length, 1);
  });
});

t.test('an image that is there once the registry is back', async (t) => {
  const { reference } = await pushFault(stack, { readySeconds: Date.now() }, `later-${Date.now()}`);
  const { processes } = JSON.parse((await stack.make('status', '--json')).stdout) as {
    processes: { name: string; pid?: number }[];
  };
  const pid = processes.find(({ name }) => name === 'registry')?.pid;
  t.type(pid, 'number');
  process.kill(pid ?? NaN, 'SIGKILL');
  await stack.create(podOf('registry-down', containerOf(reference)));
  await podUntil(stack, 'registry-down', noImage);
  t.match(
    await eventsOf(stack, 'registry-down'),
    /^Failed .*(registry is unavailable|RegistryUnavailable).*connection refused/m,
  );
  await succeed(stack.instance.dir, ['up']);
  t.ok(isReady(await podUntil(stack, 'registry-down', isReady)));
});

t.test('the front door says 503 at once while no pod is ready', async (t) => {
  const host = 'nobody.localhost';
  await stack.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'nobody', namespace: NAMESPACE },
    spec: { selector: { app: 'probe-nowhere' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  });
  await stack.create({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'nobody', namespace: NAMESPACE, annotations: { 'alb.ingress.kubernetes.io/target-type': 'ip' } },
    spec: {
      ingressClassName: 'alb',
      rules: [
        {
          host,
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name: 'nobody', port: { name: 'http' } } } },
            ],
          },
        },
      ],
    },
  });
  const ask = async (): Promise<number | undefined> => {
    const asked = request({
      port: stack.ports['front-door'],
      host: '127.0.0.1',
      headers: { host },
      signal: AbortSignal.timeout(5000),
    });
    const answered = once(asked, 'response') as Promise<[{ statusCode?: number; resume: () => void }]>;
    asked.end();
    const [response] = await answered;
    response.resume();
    return response.statusCode;
  };
  // Until the load balancer knows the rule it answers 404.
  const status = await until('the rule', async () => {
    const code = await ask();
    return code === 404 ? undefined : code;
  });
  t.equal(status, 503);
});
