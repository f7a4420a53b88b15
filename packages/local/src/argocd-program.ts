import { accessSync, constants, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandError, messageOf } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import { ARGOCD_VERSION } from '@gitops/tools/tools';
import { type Instance, readState, writeState } from './instance.ts';

// Which program runs as Argo CD: the one that is built from its Go module, which has no web pages, or a release that
// somebody has downloaded, which has them.

const STATE_FILE = 'argocd-program.json';

/** What `make up ARGOCD=…` takes to go back to the program that is built here. */
export const BUILT = 'built';

/** A program of another origin than our own build. */
export interface ReleaseProgram {
  readonly path: string;
  /** As it reports it itself, such as v3.5.7+abcdef0. */
  readonly version: string;
}

/** The release that this machine uses; undefined where it uses our own build. */
export const rememberedRelease = (instance: Instance): ReleaseProgram | undefined =>
  readState(instance, STATE_FILE) as ReleaseProgram | undefined;

/**
 * The release to use, checked; undefined for our own build. A choice is remembered for later calls.
 * @param choice a path, `built`, or undefined for the remembered choice
 * Throws CommandError where the file cannot be used.
 */
export async function chooseProgram(
  instance: Instance,
  choice: string | undefined,
): Promise<ReleaseProgram | undefined> {
  if (choice === BUILT) {
    rmSync(join(instance.dir, STATE_FILE), { force: true });
    return undefined;
  }
  const path = choice === undefined ? rememberedRelease(instance)?.path : resolve(choice);
  if (path === undefined) return undefined;
  const release = { path, version: await checkedVersion(path) };
  if (choice !== undefined) writeState(instance, STATE_FILE, release);
  return release;
}

async function checkedVersion(path: string): Promise<string> {
  const refusal = (problem: string): CommandError =>
    new CommandError(
      `ARGOCD: ${path} ${problem}`,
      `give the release v${ARGOCD_VERSION} of argocd for this system, or ARGOCD=${BUILT} for the one that is built here`,
    );
  try {
    if (!statSync(path).isFile()) throw refusal('is not a file');
  } catch (error) {
    throw error instanceof CommandError ? error : refusal('does not exist');
  }
  try {
    accessSync(path, constants.X_OK);
  } catch {
    throw refusal('is not executable');
  }
  let answer: string;
  try {
    const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', ARGOCD_BINARY_NAME: 'argocd' };
    answer = await run(path, ['version', '--client', '--short'], { env, signal: AbortSignal.timeout(20_000) });
  } catch (error) {
    throw refusal(
      `cannot be run: ${error instanceof RunError ? error.stderr.trim() || messageOf(error) : messageOf(error)}`,
    );
  }
  const version = /^argocd: (v\S+)$/m.exec(answer)?.[1];
  if (version === undefined) throw refusal('is not argocd');
  if (version.split('+')[0] !== `v${ARGOCD_VERSION}`)
    throw refusal(`is argocd ${version}, and the clusters run v${ARGOCD_VERSION}`);
  return version;
}

/** Whether Argo CD's server answers a browser with a page. */
export async function servesPages(port: number): Promise<boolean> {
  try {
    const headers = { Accept: 'text/html' };
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers, signal: AbortSignal.timeout(2000) });
    const text = await response.text();
    return response.ok && (response.headers.get('content-type') ?? '').includes('text/html') && text !== '';
  } catch {
    return false;
  }
}
