import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';

/** Has another HTTP server answer a request: method, headers and bodies go through as they come. */
export function forward(
  request: IncomingMessage,
  response: ServerResponse,
  to: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const given = { ...request.headers, ...headers };
  // It is for this server; the other one has no accounts.
  delete given.authorization;
  const outgoing = httpRequest(to, { method: request.method ?? 'GET', headers: given }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', (error) => response.destroy(error));
  request.pipe(outgoing);
}
