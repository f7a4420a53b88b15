import t from 'tap';
import { machineNodes, whyAllSimulated } from '../src/nodes.ts';
import { misplacedPods, podPlacement } from '../src/pod-placement.ts';

t.test('on Linux the nodes of the settings are of this machine, in a zone each', (t) => {
  t.strictSame(machineNodes({ nodes: 2 }, 'linux'), [
    { name: 'machine-a', zone: 'local-a' },
    { name: 'machine-b', zone: 'local-b' },
  ]);
  t.equal(whyAllSimulated({ name: 'local', nodes: 2 }, 'linux'), undefined);
  t.end();
});

t.test('elsewhere, or without nodes in the settings, all pods are simulated, and a line says why', (t) => {
  t.strictSame(machineNodes({ nodes: 2 }, 'darwin'), []);
  t.match(
    whyAllSimulated({ name: 'local', nodes: 2 }, 'darwin'),
    /Linux only \(this is darwin\): all pods are simulated/,
  );
  t.strictSame(machineNodes({ nodes: 0 }, 'linux'), []);
  t.match(whyAllSimulated({ name: 'local', nodes: 0 }, 'linux'), /clusters\/local\/cluster\.yaml.*nodes: 0/);
  process.env.PLATFORM_LOCAL_SIMULATED = 'yes';
  t.teardown(() => delete process.env.PLATFORM_LOCAL_SIMULATED);
  t.strictSame(machineNodes({ nodes: 2 }, 'linux'), []);
  t.match(whyAllSimulated({ name: 'local', nodes: 2 }, 'linux'), /^PLATFORM_LOCAL_SIMULATED is set: all pods/);
  t.match(
    JSON.stringify(podPlacement(machineNodes({ nodes: 2 }, 'darwin'), 'http://127.0.0.1:1')),
    /"matchConditions":\[{"name":"our-images","expression":"false"}\]/,
    'and no pod is sent to a node of this machine',
  );
  t.end();
});

t.test('pods of our images move from simulated nodes once there are nodes of this machine', (t) => {
  const pod = (name: string, nodeName: string | undefined, image: string) => ({
    metadata: { name, namespace: 'shop' },
    spec: { containers: [{ image }], ...(nodeName === undefined ? {} : { nodeName }) },
    status: {},
  });
  const pods = [
    pod('simulated', 'simulated-a', 'registry.internal/web:1'),
    pod('real', 'machine-a', 'registry.internal/web:1'),
    pod('waiting', undefined, 'registry.internal/web:1'),
    pod('other', 'simulated-a', 'docker.io/library/nginx:1'),
  ];
  const names = (nodes: number): string[] =>
    misplacedPods(pods, machineNodes({ nodes }, 'linux')).map(({ metadata }) => metadata.name);
  t.strictSame(names(2), ['simulated']);
  t.strictSame(names(0), [], 'without nodes they stay');
  t.end();
});
