import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { createAdmin } from '../src/admin.ts';
import type { ClusterState } from '../src/kubernetes.ts';
import { clusterOf, type FakePod, listen, startPod } from './cluster.ts';

async function openProxy(t: Test, state: ClusterState | undefined): Promise<number> {
  const table = { loadBalancers: [], targetGroups: [], problems: [] };
  return listen(
    t,
    createAdmin(
      () => table,
      () => state,
    ),
  );
}

/** What a client gets that has the proxy as its HTTP_PROXY. */
async function get(port: number, path: string): Promise<{ status: number | undefined; body: string }> {
  const call = request({ host: '127.0.0.1', port, path, agent: false }).end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
}

t.test('the name of a Service leads to its ready pods, by the port of the Service', async (t) => {
  const pods = [await startPod(t, 'a'), await startPod(t, 'b')];
  const port = await openProxy(t, clusterOf(pods));
  const bodies = new Set<string>();
  while (bodies.size < 2) bodies.add((await get(port, 'http://web.shop.svc/x?y=1')).body);
  t.same([...bodies].sort(), ['a', 'b']);
  t.equal(pods[0]?.requests[0]?.url, '/x?y=1');
  t.match(await get(port, 'http://web.shop.svc.cluster.local:80/'), { status: 200 });
});

t.test('what leads nowhere in a cluster is an error here, and says why', async (t) => {
  const pod = await startPod(t, 'a');
  const answerOf = async (pods: readonly FakePod[], url = 'http://web.shop.svc/'): Promise<object> =>
    get(await openProxy(t, clusterOf(pods)), url);
  t.match(await answerOf([pod], 'http://other.shop.svc/'), { status: 502, body: /other\.shop\.svc is no Service/ });
  t.match(await answerOf([pod], 'http://example.com/'), { status: 502, body: /example\.com is no Service/ });
  t.match(await answerOf([pod], 'http://web.shop.svc:81/'), { status: 502, body: /Service shop\/web has no port 81/ });
  t.match(await answerOf([]), { status: 503, body: /no pod of it is ready/ });
  // The load balancer registers a pod that waits for its readiness gate alone; kube-proxy does not.
  t.match(await answerOf([{ ...pod, ready: false }]), { status: 503, body: /no pod of it is ready/ });
  t.match(await answerOf([{ ...pod, isSimulated: true }]), { status: 503, body: /simulated/ });
  t.match(await answerOf([{ name: 'gone', port: 1 }]), { status: 502, body: /ECONNREFUSED/ });
  t.match(await get(await openProxy(t, undefined), 'http://web.shop.svc/'), { status: 503, body: /not known yet/ });
});

t.test('the admin port answers its own paths as before', async (t) => {
  const port = await openProxy(t, clusterOf([]));
  t.match(await get(port, '/healthz'), { status: 200 });
  t.match(await get(port, '/other'), { status: 404 });
});
