import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { clusterEnvironment } from '@gitops/local';
import {
  containerOf,
  ensureNamespace,
  eventsOf,
  isReady,
  NAMESPACE,
  podOf,
  podUntil,
  processesOf,
  pushFault,
  removeNamespace,
  servicePods,
} from '../src/faults.ts';
import { APP, type CommandResult, Stack, until } from '../src/stack.ts';

// What people do with kubectl, on pods that are processes.

const stack = await Stack.open();
await ensureNamespace(stack);
t.teardown(async () => removeNamespace(stack));

const start = (...args: string[]) =>
  spawn(join(stack.tools.bin, 'kubectl'), args, {
    env: clusterEnvironment(stack.instance, stack.tools),
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** A command of kubectl, whatever it ends with. */
async function kubectl(...args: string[]): Promise<CommandResult> {
  const child = start(...args);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

const [pod] = await servicePods(stack);
const name = pod?.metadata.name ?? '';
const { reference } = await pushFault(stack, {}, 'good');

t.test('logs, and those of the process before a crash', async (t) => {
  await stack.create(podOf('crashed', containerOf(reference)));
  const running = await podUntil(
    stack,
    'crashed',
    ({ status }) => status.containerStatuses?.[0]?.state.running !== undefined,
  );
  const logs = async (...args: string[]): Promise<CommandResult> =>
    kubectl('-n', NAMESPACE, 'logs', 'crashed', ...args);
  const isLogged = async (): Promise<true | undefined> => ((await logs()).stdout === '' ? undefined : true);
  const [pid] = processesOf(stack.instance, running);
  t.type(pid, 'number');
  await until('a line of its log', isLogged);
  process.kill(pid ?? NaN, 'SIGKILL');
  const again = await podUntil(
    stack,
    'crashed',
    ({ status }) =>
      status.containerStatuses?.[0]?.restartCount === 1 && status.containerStatuses[0].state.running !== undefined,
  );
  const [next] = processesOf(stack.instance, again);
  await until('a line of its log again', isLogged);
  t.match(await logs(), { code: 0, stdout: `faulty-service ${next ?? ''} starts\n` });
  t.match(await logs('-p'), { code: 0, stdout: `faulty-service ${pid ?? ''} starts\n` });
  t.match(await logs('--since=1s', '--tail=0'), { code: 0, stdout: '' });
});

t.test('exec: output, exit code, and only the programs of the image', async (t) => {
  const exec = async (...args: string[]): Promise<CommandResult> => kubectl('-n', APP, 'exec', name, '--', ...args);
  t.match(await exec('/nodejs/bin/node', '-p', 'process.env.PORT'), { code: 0, stdout: '8080\n' });
  t.match(await exec('/nodejs/bin/node', '-e', 'process.exit(7)'), { code: 7 });
  const { code, stderr } = await exec('sh');
  t.equal(code, 127);
  t.match(stderr, 'exec: "sh": executable file not found in $PATH');
});

t.test('cp needs tar in the image, as everywhere', async (t) => {
  const target = join(t.testdir({}), 'package.json');
  const { stdout, stderr } = await kubectl('-n', APP, 'cp', `${name}:/app/package.json`, target);
  t.match(stdout + stderr, 'exec: "tar": executable file not found in $PATH');
  t.notOk(existsSync(target));
});

t.test('port-forward to a Service reaches a process', async (t) => {
  // kubectl takes any pod of the Service, also one that the drills before are still ending.
  await until('no pod that ends', async () =>
    (await stack.kubectl('-n', APP, 'get', 'pods', '-o', 'json')).includes('"deletionTimestamp"') ? undefined : true,
  );
  const child = start('-n', APP, 'port-forward', `service/${APP}`, ':80');
  t.teardown(() => child.kill());
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const port = await until('a port', async () => Promise.resolve(/127\.0\.0\.1:(\d+) -> 8080/.exec(text)?.[1]));
  const answer = await fetch(`http://127.0.0.1:${port}/nothing-here`).then(({ status }) => status, String);
  t.equal(answer, 404, `the service answered; kubectl said: ${text}`);
});

t.test('top shows what pods and nodes use', async (t) => {
  const rows = await until(
    'metrics',
    async () => {
      const [pods, nodes] = await Promise.all([kubectl('top', 'pods', '-n', APP), kubectl('top', 'nodes')]);
      return pods.code === 0 && nodes.code === 0 && pods.stdout.includes(name) && nodes.stdout.includes('machine-b')
        ? pods.stdout + nodes.stdout
        : undefined;
    },
    60_000,
  );
  t.match(rows, new RegExp(`^${name} +\\d+m +[1-9]\\d+Mi`, 'm'));
  t.match(rows, /^machine-a +\d+m +\d+% +\d+Mi +\d+%/m);
});

t.test('debug is refused by name', async (t) => {
  // A terminal in a container of its own beside the service.
  const image = ['--image', reference];
  await kubectl('-n', NAMESPACE, 'debug', 'crashed', ...image, '--container=debugger', '-it', '--attach=false');
  const refusal = /^Failed Error: securityContext\.capabilities\.add is not supported on this node/m;
  await until('the refusal', async () => (refusal.test(await eventsOf(stack, 'crashed')) ? true : undefined));
  t.ok(isReady(await podUntil(stack, 'crashed', isReady)), 'the service runs on');

  // A pod with the machine's namespaces.
  const { stdout, stderr } = await kubectl('-n', NAMESPACE, 'debug', 'node/machine-a', ...image, '--attach=false');
  const [debugger_ = ''] = /node-debugger-machine-a-\w+/.exec(stdout + stderr) ?? [];
  const refused = await podUntil(stack, debugger_, ({ status }) => status.phase === 'Failed');
  t.match(refused.status, {
    reason: 'PodFeatureUnsupported',
    message: /spec\.hostNetwork, spec\.hostPID, spec\.hostIPC/,
  });
});
