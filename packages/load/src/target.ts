import { existsSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { type Instance, rememberedPorts } from '@gitops/local';
import { CommandError, messageOf } from '@gitops/report/errors';
import { clusterNames } from '@gitops/settings';
import { readSlo, type Slo } from '@gitops/settings/slo';
import { readYamlFile } from '@gitops/settings/yaml-file';
import { SERVICE } from './replicas.ts';

/** Where the load goes. */
export interface Target {
  /** Without a slash at the end. */
  readonly address: string;
  /** The Host header, where it is another than that of the address. */
  readonly host: string | undefined;
  /** The cluster whose objectives count; undefined for an address that is of none, where the common ones do. */
  readonly cluster: string | undefined;
  readonly slo: Slo;
  /** Where replicas are read from; undefined for a cluster that is not of this machine. */
  readonly kubeconfig: string | undefined;
}

/** The name under which a cluster offers the service, as its values file has it. */
const hostOf = (root: string, cluster: string): unknown =>
  readYamlFile(root, `clusters/${cluster}/${SERVICE}.yaml`).content.host;

/** The front door of the local machine. Throws CommandError where it does not run. */
export function localTarget(instance: Instance): Target {
  const { root, dir, cluster } = instance;
  const kubeconfig = join(dir, 'kubeconfig');
  const port = rememberedPorts(instance)?.['front-door'];
  if (port === undefined || !existsSync(kubeconfig))
    throw new CommandError(
      'nothing is running on this machine',
      'run `make up`, or give the ADDRESS of a service that runs elsewhere',
    );
  const host = hostOf(root, cluster);
  return {
    address: `http://127.0.0.1:${port}`,
    host: typeof host === 'string' ? host : undefined,
    cluster,
    slo: readSlo(root, cluster),
    kubeconfig,
  };
}

/** The service at an address; the objectives are those of the cluster that has this host. */
export function remoteTarget(root: string, address: string): Target {
  const { hostname } = new URL(address);
  const cluster = clusterNames(root).find((name) => hostOf(root, name) === hostname);
  return {
    address: address.replace(/\/+$/, ''),
    host: undefined,
    cluster,
    slo: readSlo(root, cluster),
    kubeconfig: undefined,
  };
}

/** The rule that an ADDRESS breaks; undefined where it is valid. */
export function addressProblem(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== ''
  )
    return `must be http:// or https:// and a host, without a path (it is ${JSON.stringify(text)})`;
  return undefined;
}

// Asked for once before a run: nothing else in the world answers it with 200.
const KNOWN_PATH = '/v1/networks/10.0.0.0%2F8';
const PATIENCE_MS = 10_000;

/** Throws CommandError where nothing answers there, or what answers is not the service. */
export async function checkReachable({ address, host, kubeconfig }: Target): Promise<void> {
  const next =
    kubeconfig === undefined
      ? 'check ADDRESS; nothing was sent but this one request'
      : '`make status` shows what is wrong';
  const status = await answer(`${address}${KNOWN_PATH}`, host).catch((error: unknown) => {
    throw new CommandError(`${address} cannot be reached: ${messageOf(error)}`, next);
  });
  if (status !== 200)
    throw new CommandError(
      `${address} answers ${status} to GET ${KNOWN_PATH}, which the service answers with 200`,
      next,
    );
}

async function answer(url: string, host: string | undefined): Promise<number> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  const headers = host === undefined ? {} : { host };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: false, headers, timeout: PATIENCE_MS });
    outgoing.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    outgoing.on('timeout', () => {
      outgoing.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`));
    });
    outgoing.on('error', (error) => {
      // An AggregateError, of a name with several addresses, has no message of its own.
      reject(error instanceof AggregateError ? (error.errors[0] as Error) : error);
    });
    outgoing.end();
  });
}
