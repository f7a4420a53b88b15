import t from 'tap';
import { machineNodes, whyAllSimulated } from '../src/nodes.ts';
import { podPlacement } from '../src/pod-placement.ts';

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
  t.match(
    JSON.stringify(podPlacement(machineNodes({ nodes: 2 }, 'darwin'))),
    /"matchConditions":\[{"name":"our-images","expression":"false"}\]/,
    'and no pod is sent to a node of this machine',
  );
  t.end();
});
