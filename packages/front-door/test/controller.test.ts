import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import t from 'tap';
import { createController } from '../src/controller.ts';
import type { Condition } from '../src/kubernetes.ts';
import { gateOf } from '../src/readiness-gates.ts';
import { areHealthy, clusterOf, listen, startFrontDoor, startPod, until } from './cluster.ts';

t.test("a pod's conditions are written in their order, however long a write takes", async (t) => {
  const released = Promise.withResolvers<null>();
  let arrived = 0;
  const written: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      if (request.method === 'PATCH' && request.url?.includes('/pods/a/status') === true) {
        const { status } = (await json(request)) as { status: { conditions: Condition[] } };
        arrived += 1;
        if (arrived === 1) await released.promise;
        written.push(status.conditions[0]?.status);
      }
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    };
    void answer();
  });
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${await listen(t, server)}`, skipTLSVerify: true },
    { name: 'u' },
  );
  const door = await startFrontDoor(t);
  const controller = createController(config, door, door.port, () => undefined);
  const pod = await startPod(t, 'a');
  door.update(clusterOf([pod]));
  const state = clusterOf([{ ...pod, gates: [gateOf(door.groups()[0]?.spec.name ?? '')] }]);

  controller.reconcile(state);
  await until(() => arrived === 1);
  await until(() => areHealthy(door));
  controller.reconcile(state);
  // A second is enough for the other write to overtake the first.
  await Promise.race([until(() => arrived === 2), sleep(1000)]);
  released.resolve(null);
  await until(() => written.length === 2);
  t.strictSame(written, ['False', 'True']);
});
