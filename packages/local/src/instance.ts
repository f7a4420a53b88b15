import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * One local machine. All of its state is below `dir`, so that two clones, or the drills beside a clone in use, never
 * affect each other.
 */
export interface Instance {
  /** The clone whose work tree is published. */
  readonly root: string;
  /** The state's folder, `.local` in the clone unless PLATFORM_LOCAL_DIR names another. */
  readonly dir: string;
  /** The cluster's folder below clusters/. */
  readonly cluster: string;
}

const repositoryRoot = resolve(import.meta.dirname, '../../..');

/**
 * The instance that a command works on.
 * @param options.root a clone other than the one that contains this file
 * @param options.dir a state folder other than PLATFORM_LOCAL_DIR or `.local`
 */
export function openInstance(options: { root?: string; dir?: string } = {}): Instance {
  const root = options.root ?? repositoryRoot;
  return { root, dir: resolve(root, options.dir ?? process.env.PLATFORM_LOCAL_DIR ?? '.local'), cluster: 'local' };
}

/** A path below the instance's folder; its parent folder exists afterwards. */
export function statePath(instance: Instance, ...parts: string[]): string {
  const path = join(instance.dir, ...parts);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

/** Reads a JSON file of the instance; undefined when it is missing or incomplete. */
export function readState(instance: Instance, name: string): unknown {
  const path = join(instance.dir, name);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Writes a JSON file of the instance in one step, readable by its owner alone, since some hold tokens. */
export function writeState(instance: Instance, name: string, value: unknown): void {
  const path = statePath(instance, name);
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
