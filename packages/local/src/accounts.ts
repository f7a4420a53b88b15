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

/** The local accounts that commands act as, one for each role of argocd/values.yaml. */
const ACCOUNTS = ['developer', 'on-call', 'platform'] as const;

export type Account = (typeof ACCOUNTS)[number];

type Tokens = Readonly<Record<Account, string>>;

const readTokens = (instance: Instance): Partial<Tokens> | undefined =>
  readState(instance, STATE_FILE) as Partial<Tokens> | undefined;

/** The token of an account that `make up` created. Throws CommandError when there is none. */
export function storedToken(instance: Instance, account: Account): string {
  const token = readTokens(instance)?.[account];
  if (token === undefined) throw new CommandError(`the account ${account} has no token yet`, 'run `make up`');
  return token;
}

/** A client of the running Argo CD that acts as an account. */
export function connectAs(instance: Instance, ports: Ports, account: Account): ArgoClient {
  return connect(ports.server, storedToken(instance, account));
}

const PASSWORD_FILE = 'on-call-password.json';

interface Password {
  readonly password: string;
  /** By bcrypt, as Argo CD stores it. */
  readonly hash: string;
}

/** The password with which on-call logs in to Argo CD's web pages; undefined before the first `make up`. */
export const onCallPassword = (instance: Instance): string | undefined =>
  (readState(instance, PASSWORD_FILE) as Password | undefined)?.password;

/**
 * What Argo CD's Secret holds for on-call's password, which is made once for each machine: nobody can type a token into
 * a login page.
 */
export async function onCallSecret(instance: Instance, tools: Tools): Promise<Record<string, string>> {
  let stored = readState(instance, PASSWORD_FILE) as Password | undefined;
  if (stored === undefined) {
    const password = randomBytes(9).toString('hex');
    const env = { ...process.env, ARGOCD_BINARY_NAME: 'argocd' };
    const hash = await run(join(tools.bin, 'argocd'), ['account', 'bcrypt', `--password=${password}`], { env });
    stored = { password, hash: hash.trim() };
    writeState(instance, PASSWORD_FILE, stored);
  }
  return { 'accounts.on-call.password': stored.hash };
}

/**
 * Creates a token without expiry for each account, unless the stored ones are still valid. Only this acts as admin, since
 * no role may create tokens.
 */
export async function ensureTokens(instance: Instance, tools: Tools, ports: Ports): Promise<void> {
  const stored = readTokens(instance);
  const areValid = await Promise.all(
    // A state of before an account was added has no token for it.
    ACCOUNTS.map(async (account) => {
      const token = stored?.[account];
      return token !== undefined && connect(ports.server, token).isLoggedIn();
    }),
  );
  if (!areValid.includes(false)) return;

  const password = await initialPassword(instance, tools);
  const session = connect(ports.server, await connect(ports.server).login('admin', password));
  const tokens: Partial<Record<Account, string>> = {};
  for (const account of ACCOUNTS) tokens[account] = await session.createToken(account);
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
