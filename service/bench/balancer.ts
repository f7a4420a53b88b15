// Spreads requests over backends in turn, with kept connections to each, as a load balancer in front of pods does. It
// never retries and never asks a backend how it is: its parent tells it where to send. Usage: started with an IPC
// channel. It sends its port, and takes Routing messages.
import { Agent, createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Routing {
  /** Where requests go from now on. Those under way end where they are. */
  readonly backends: readonly string[];
}

const agents = new Map<string, Agent>();
let backends: readonly string[] = [];
let turn = 0;

const server = createServer((incoming, outgoing) => {
  const backend = backends[turn++ % backends.length];
  const refuse = (): void => {
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502).end();
  };
  if (backend === undefined) {
    refuse();
    return;
  }
  const { hostname, port } = new URL(backend);
  const passed = request(
    {
      hostname,
      port,
      agent: agentOf(backend),
      method: incoming.method,
      path: incoming.url,
      headers: endToEnd(incoming.headers),
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      answer.on('error', refuse).pipe(outgoing);
    },
  );
  passed.on('error', refuse);
  incoming.pipe(passed);
});

function agentOf(backend: string): Agent {
  const agent = agents.get(backend) ?? new Agent({ keepAlive: true });
  agents.set(backend, agent);
  return agent;
}

/** Without what concerns one connection alone. */
function endToEnd({
  connection: _connection,
  'keep-alive': _keepAlive,
  'transfer-encoding': _transferEncoding,
  ...headers
}: IncomingHttpHeaders): IncomingHttpHeaders {
  return headers;
}

process.on('message', (routing: Routing) => {
  backends = routing.backends;
});
process.on('disconnect', () => {
  process.exit();
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
