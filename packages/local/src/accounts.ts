import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '@gitops/report/errors';
import { run } from '@gitops/tools/run';
import type { Tools } from '@gitops/tools/tools';
import { type ArgoClient, connect } from './argocd-api.ts';
import { NAMESPACE } from './argocd-settings.ts';
import { logPath } from './daemon.ts';
import { type Instance, readState, writeState } from './instance.ts';
import { kubectl } from './kubectl.ts';
import type { Ports } from './ports.ts';

const STATE_FILE = 'accounts.json';

/** A token for each account that commands act as. */
interface Tokens {
  readonly admin: string;
  readonly oncall: string;
}

export type Account = keyof Tokens;

const readTokens = (instance: Instance): Tokens | undefined => readState(instance, STATE_FILE) as Tokens | undefined;

/** The tokens that `make up` created. Throws CommandError when there are none. */
export function storedTokens(instance: Instance): Tokens {
  const tokens = readTokens(instance);
  if (tokens === undefined) throw new CommandError('there are no accounts yet', 'run `make up`');
  return tokens;
}

/** A client of the running Argo CD that acts as an account. */
export function connectAs(instance: Instance, ports: Ports, account: Account): ArgoClient {
  return connect(ports.server, storedTokens(instance)[account]);
}

const PASSWORD_FILE = 'oncall-password.json';

interface Password {
  readonly password: string;
  /** By bcrypt, as Argo CD stores it. */
  readonly hash: string;
}

/** The password with which on-call logs in to Argo CD's web pages; undefined before the first `make up`. */
export const oncallPassword = (instance: Instance): string | undefined =>
  (readState(instance, PASSWORD_FILE) as Password | undefined)?.password;

/**
 * What Argo CD's Secret holds for on-call's password, which is made once for each machine: a token is nothing that
 * somebody could type into a login page.
 */
export async function oncallSecret(instance: Instance, tools: Tools): Promise<Record<string, string>> {
  let stored = readState(instance, PASSWORD_FILE) as Password | undefined;
  if (stored === undefined) {
    const password = randomBytes(9).toString('hex');
    const env = { ...process.env, ARGOCD_BINARY_NAME: 'argocd' };
    const hash = await run(join(tools.bin, 'argocd'), ['account', 'bcrypt', `--password=${password}`], { env });
    stored = { password, hash: hash.trim() };
    writeState(instance, PASSWORD_FILE, stored);
  }
  return { 'accounts.oncall.password': stored.hash };
}

/** Creates a token without expiry for each account, unless the stored ones are still valid. */
export async function ensureTokens(instance: Instance, tools: Tools, ports: Ports): Promise<void> {
  const stored = readTokens(instance);
  const isValid = async (token: string): Promise<boolean> => connect(ports.server, token).isLoggedIn();
  if (stored !== undefined && (await isValid(stored.admin)) && (await isValid(stored.oncall))) return;

  const password = await initialPassword(instance, tools);
  const session = connect(ports.server, await connect(ports.server).login('admin', password));
  const tokens: Tokens = { admin: await session.createToken('admin'), oncall: await session.createToken('oncall') };
  writeState(instance, STATE_FILE, tokens);
}

/** Argo CD's server creates the first password when it starts on a fresh cluster. */
async function initialPassword(instance: Instance, tools: Tools): Promise<string> {
  const secret = ['secret', 'argocd-initial-admin-secret', '--ignore-not-found', '-o', 'jsonpath={.data.password}'];
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    const encoded = await kubectl(instance, tools, ['-n', NAMESPACE, 'get', ...secret]);
    if (encoded !== '') return Buffer.from(encoded, 'base64').toString('utf8');
    await sleep(100);
  }
  throw new CommandError(
    'Argo CD created no first password for admin within 30 s',
    `read ${logPath(instance, 'argocd-server')}, then run \`make up\` again`,
  );
}
