import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { LoadBalancerSettings } from './annotations.ts';
import { requestHeaders, responseHeaders } from './headers.ts';
import type { RunningRequest, Target } from './target.ts';

/** An answer of the front door's own. */
export function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    // Too late to say anything: a cut connection tells the client that the answer is not complete.
    response.destroy();
    return;
  }
  const body = `${text}\n`;
  const headers = ['Content-Type', 'text/plain', 'Content-Length', String(Buffer.byteLength(body))];
  response.writeHead(status, responseHeaders(headers, response.shouldKeepAlive));
  response.end(body);
}

/** What the load balancer answers for a target that did not ("HTTP 502", "HTTP 504" in AWS's troubleshooting). */
function failureOf(error: NodeJS.ErrnoException): { status: number; text: string } {
  switch (error.code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return { status: 504, text: 'the target accepted no connection in time' };
    case 'UND_ERR_HEADERS_TIMEOUT':
      return { status: 504, text: 'the target did not answer within the idle timeout' };
    case 'UND_ERR_INVALID_ARG':
      return { status: 400, text: error.message };
    default:
      return { status: 502, text: error.message };
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Passes what the target answers on to the client. */
class Forwarding implements Dispatcher.DispatchHandler, RunningRequest {
  readonly #response: ServerResponse;
  readonly #target: Target;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;

  constructor(response: ServerResponse, target: Target) {
    this.#response = response;
    this.#target = target;
    target.running.add(this);
    target.requests += 1;
    response.on('close', () => {
      // The client is gone; so the target need not go on.
      if (!this.#isOver) this.#end(new Error('the client closed the connection'));
    });
  }

  abort(): void {
    this.#fail(new Error('the deregistration delay of the target is over'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('it is over'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: object, message?: string): void {
    if (status < 200) return;
    const raw = (controller.rawHeaders ?? []) as (Buffer | string)[];
    this.#response.writeHead(status, message, responseHeaders(raw, this.#response.shouldKeepAlive));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => {
      controller.resume();
    });
  }

  onResponseEnd(): void {
    this.#isOver = true;
    this.#target.running.delete(this);
    this.#response.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (!this.#isOver) this.#fail(error);
  }

  /** Never tried again, as by an ALB: the target may have done the work. */
  #fail(error: Error): void {
    this.#end(error);
    const { status, text } = failureOf(error);
    answer(this.#response, status, `${status}: ${text} (pod ${this.#target.endpoint.pod})`);
  }

  #end(error: Error): void {
    this.#isOver = true;
    this.#target.running.delete(this);
    this.#controller?.abort(error);
  }
}

/**
 * Sends a request to a target, and its answer to the client.
 * @param path with its query
 */
export function forward(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  target: Target,
  { idleTimeoutSeconds, dropsInvalidHeaders }: LoadBalancerSettings,
): void {
  const handler = new Forwarding(response, target);
  const options: Dispatcher.DispatchOptions = {
    path,
    method: request.method as Dispatcher.HttpMethod,
    headers: requestHeaders(request, dropsInvalidHeaders),
    body: hasBody(request) ? request : null,
  };
  try {
    target.pool(idleTimeoutSeconds).dispatch(options, handler);
  } catch (error) {
    handler.onResponseError(undefined as never, error as Error);
  }
}
