import { join, resolve } from 'node:path';
import { CommandError, UsageError } from '@gitops/report/errors';
import { text } from '@gitops/report/options';
import { askClone } from './git.ts';
import { oneLine } from './message.ts';
import { type Remote, shownURL } from './remote.ts';

/** The clone that a command is called in. */
export interface Clone {
  /** Its top folder. */
  readonly root: string;
  /** The commit that is checked out; undefined before the first. */
  readonly head: string | undefined;
  /** The branch that is checked out; undefined where HEAD is detached. */
  readonly branch: string | undefined;
}

/** The clone around a folder; undefined outside of any. */
export async function openClone(folder = process.cwd()): Promise<Clone | undefined> {
  const root = await askClone(folder, 'rev-parse', '--show-toplevel');
  if (root === undefined) return undefined;
  return {
    root,
    head: await askClone(root, 'rev-parse', '--verify', '--quiet', 'HEAD'),
    branch: await askClone(root, 'symbolic-ref', '--quiet', '--short', 'HEAD'),
  };
}

const here = resolve(import.meta.dirname, '../../..');
const ADDRESS = /^(?:(?:https?|ssh|git|file):\/\/\S+|[\w.-]+@[\w.-]+:\S+|\/\S.*)$/;
const REMOTE_NAME = /^[\w][\w./-]*$/;

export const remoteOption = text(
  'the repository: an address, or the name of a remote of the clone; by default origin',
  {
    placeholder: 'REMOTE',
    example: 'https://github.com/OWNER/NAME.git',
    problem: (given) =>
      ADDRESS.test(given) || REMOTE_NAME.test(given)
        ? undefined
        : `must be the address of a repository or the name of a remote (it is ${JSON.stringify(given)})`,
  },
);

/** The environment variables that decide on the remote and on GitHub; each program that uses them lists them. */
export const ENVIRONMENT = {
  GITHUB_TOKEN: 'logs in to the remote on GITHUB_SERVER_URL, and to its API',
  GITHUB_SERVER_URL: 'https://github.com by default, as in CI',
  GITHUB_API_URL: 'https://api.github.com by default, as in CI',
  GITHUB_REPOSITORY: 'owner/name for the API; by default that of the remote',
  GITHUB_ACTOR: 'who asked for it, as in CI; by default user.name of Git',
} as const;

/** The token for GitHub; undefined where there is none. Throws UsageError for an empty one: a secret that is missing. */
export function githubToken(): string | undefined {
  const { GITHUB_TOKEN: token } = process.env;
  if (token === undefined) return undefined;
  if (token.trim() === '')
    throw new UsageError('GITHUB_TOKEN is empty', 'give the job its token or secret, or unset the variable');
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new UsageError('GITHUB_TOKEN holds characters that no token has', 'give the job its token or secret');
  return token;
}

/** The remote of the clone, or the given one. Throws UsageError and CommandError where there is none. */
export async function openRemote(given: string | undefined, clone: Clone | undefined): Promise<Remote> {
  const url = await addressOf(given, clone);
  const token = githubToken();
  const server = process.env.GITHUB_SERVER_URL ?? 'https://github.com';
  const isGitHub = URL.canParse(url) && URL.canParse(server) && new URL(url).origin === new URL(server).origin;
  return {
    url,
    store: join(clone?.root ?? here, '.local/delivery.git'),
    advice: 'check the address, the network and the account (--remote; GITHUB_TOKEN in CI)',
    // In the environment, since a command line can be read by everybody on the machine.
    ...(token === undefined || !isGitHub
      ? {}
      : {
          credentials: {
            GIT_CONFIG_COUNT: '1',
            GIT_CONFIG_KEY_0: `http.${new URL(url).origin}/.extraheader`,
            GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`,
          },
        }),
  };
}

async function addressOf(given: string | undefined, clone: Clone | undefined): Promise<string> {
  if (given !== undefined && ADDRESS.test(given)) return given;
  if (clone === undefined)
    throw new UsageError(
      given === undefined
        ? 'not in a clone, so the repository is unknown'
        : `not in a clone, so remote ${given} is unknown`,
      'name it: --remote https://github.com/OWNER/NAME.git',
    );
  const names = ((await askClone(clone.root, 'remote')) ?? '').split('\n').filter((name) => name !== '');
  const only = names.length === 1 ? names[0] : undefined;
  const name = given ?? (names.includes('origin') ? 'origin' : only);
  if (name === undefined || !names.includes(name))
    throw new UsageError(
      name === undefined
        ? `the clone has ${names.length} remotes and none is called origin`
        : `the clone has no remote ${name}`,
      `name the repository by --remote${names.length === 0 ? '' : `; its remotes are ${names.join(', ')}`}`,
    );
  const url = await askClone(clone.root, 'remote', 'get-url', name);
  if (url === undefined || url === '')
    throw new CommandError(`remote ${name} has no address`, 'name the repository by --remote');
  return url.startsWith('.') ? resolve(clone.root, url) : url;
}

/** Who asks for a change; undefined where nobody says it. */
export async function requester(clone: Clone | undefined): Promise<string | undefined> {
  const name = process.env.GITHUB_ACTOR ?? (await askClone(clone?.root ?? process.cwd(), 'config', 'user.name')) ?? '';
  return oneLine(name) === '' ? undefined : oneLine(name);
}

/** owner/name of a repository on GitHub, by its address; undefined for an address of another form. */
export function repositoryOf(url: string): string | undefined {
  return /^(?:[a-z+]+:\/\/(?:[^/@]*@)?[^/]+\/|[\w.-]+@[\w.-]+:)([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(
    shownURL(url),
  )?.[1];
}
