import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CommandError } from '@gitops/report/errors';
import { explainGoFailure, goVersion } from './go.ts';

// Go modules are read for files that are no Go code as well: API definitions of the projects whose modules they are.

/** A Go module that carries files, with the sum that Go itself gives it. */
export interface GoModule {
  readonly path: string;
  readonly version: string;
  /** As in a go.sum: `h1:` and the SHA-256 of the module's files. */
  readonly sum: string;
}

interface Downloaded {
  readonly Path: string;
  readonly Version: string;
  readonly Sum?: string;
  readonly Dir?: string;
  readonly Error?: string;
}

/**
 * Fetches modules into Go's module cache where they are not yet.
 * @returns the folder of a module, read-only
 * Throws CommandError for a missing or old Go, a failed download, and a module whose sum is not the pinned one.
 */
export async function downloadModules(modules: readonly GoModule[]): Promise<(module: GoModule) => string> {
  await goVersion();
  // Outside of any module: no go.mod there would have a say.
  const outside = mkdtempSync(join(tmpdir(), 'modules-'));
  const args = ['mod', 'download', '-json', ...modules.map(({ path, version }) => `${path}@${version}`)];
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOWORK: 'off', GOFLAGS: '' };
  try {
    // Where a download fails, the words on it are in the JSON of the failed command.
    const { stdout, stderr } = await promisify(execFile)('go', args, { cwd: outside, env, maxBuffer: 1 << 24 }).catch(
      (error: unknown) => {
        if (error instanceof Error && 'stdout' in error && 'stderr' in error)
          return { stdout: String(error.stdout), stderr: String(error.stderr) };
        throw error;
      },
    );
    const found = new Map(objectsIn(stdout).map((module) => [`${module.Path}@${module.Version}`, module]));
    const failures = [...found.values()].flatMap((module) => module.Error ?? []);
    if (failures.length > 0) throw explainGoFailure(failures.map((text) => text.replaceAll(/\s+/g, ' ')).join('\n'));
    const folders = new Map(
      modules.map(({ path, version, sum }) => {
        const name = `${path}@${version}`;
        const { Sum, Dir } = found.get(name) ?? {};
        if (Sum === undefined || Dir === undefined) throw explainGoFailure(stderr);
        if (Sum !== sum) {
          throw new CommandError(
            `the checksum of the Go module ${name} is wrong: it is ${Sum}, and ${sum} was expected`,
            'it was not used; clear the module cache (`go clean -modcache`), check GOPROXY (`go env GOPROXY`) ' +
              'and try again',
          );
        }
        return [name, Dir];
      }),
    );
    return ({ path, version }) => folders.get(`${path}@${version}`) ?? '';
  } finally {
    rmSync(outside, { recursive: true, force: true });
  }
}

/** The objects that `go mod download -json` prints one after the other, each over several lines. */
function objectsIn(text: string): Downloaded[] {
  return text
    .split(/(?<=^\}\n)/m)
    .filter((part) => part.trim() !== '')
    .map((part) => JSON.parse(part) as Downloaded);
}
