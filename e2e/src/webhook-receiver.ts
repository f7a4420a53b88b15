import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Test } from 'tap';

/** One alert of a notification, as Alertmanager sends it. */
export interface Notified {
  /** The last part of the address: the name of the receiver. */
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  readonly alertname: string;
  /** When it arrived, in milliseconds since 1970. */
  readonly time: number;
}

interface Notification {
  readonly alerts: readonly { readonly status: Notified['status']; readonly labels: Record<string, string> }[];
}

/** A listener for Alertmanager's webhooks, closed with the test. */
export async function receiveWebhooks(t: Test): Promise<{ address: string; notified: readonly Notified[] }> {
  const notified: Notified[] = [];
  const address = await listen(t, (path, body) => {
    for (const { status, labels } of (body as Notification).alerts)
      notified.push({
        receiver: path.split('/').at(-1) ?? '',
        status,
        alertname: labels.alertname ?? '',
        time: Date.now(),
      });
  });
  return { address, notified };
}

/** A notification of Argo CD; argocd/values.yaml has the templates. */
export interface ArgoEvent {
  readonly event: string;
  readonly application: string;
  readonly cluster: string;
  readonly before?: string;
  readonly after?: string;
  readonly text: string;
}

/** A listener for Argo CD's notifications, closed with the test. */
export async function receiveArgoEvents(t: Test): Promise<{ address: string; events: readonly ArgoEvent[] }> {
  const events: ArgoEvent[] = [];
  const address = await listen(t, (_, body) => events.push(body as ArgoEvent));
  return { address, events };
}

/** The address of a server that hands over the path and the JSON of each request, closed with the test. */
async function listen(t: Test, received: (path: string, body: unknown) => void): Promise<string> {
  const server = createServer((request, response) => {
    json(request)
      .then((body) => {
        received(request.url ?? '', body);
        response.end();
      })
      .catch(() => response.writeHead(400).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
