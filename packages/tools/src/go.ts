import { join, resolve } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { run, RunError } from './run.ts';

const LOWEST_GO = [1, 26] as const;

/** The folder of our go.mod files. */
export const goFolder = resolve(import.meta.dirname, '../go');

/**
 * The version of the Go toolchain on the PATH, as `go1.26.8`.
 * Throws CommandError where there is none or an older one than go.mod needs.
 */
export async function goVersion(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const next = `install Go ${LOWEST_GO.join('.')} or newer (https://go.dev/dl) and run \`make up\` again`;
  const version = await run('go', ['env', 'GOVERSION'], { env: { ...env, GOTOOLCHAIN: 'local' }, cwd: '/' }).catch(
    (error: unknown) => {
      if (error instanceof RunError && error.code === null)
        throw new CommandError("Go is needed and no 'go' is on the PATH", next);
      throw error;
    },
  );
  const [major = 0, minor = 0] = version
    .trim()
    .replace(/^go/, '')
    .split('.')
    .map((part) => parseInt(part, 10));
  if (major < LOWEST_GO[0] || (major === LOWEST_GO[0] && minor < LOWEST_GO[1])) {
    throw new CommandError(`Go ${LOWEST_GO.join('.')} or newer is needed, and ${version.trim()} was found`, next);
  }
  return version.trim();
}

/** The environment in which every go command runs: programs depend on the pinned modules alone, not on the machine. */
export const goEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  CGO_ENABLED: '0',
  GOTOOLCHAIN: 'local',
  GOWORK: 'off',
  GOFLAGS: '-mod=readonly -trimpath -buildvcs=false',
  // Thousands of compilers run for a tenth of a second each: less garbage collection saves a tenth of their time.
  GOGC: '400',
});

/** Runs go in a module below goFolder and gives its standard output. Throws CommandError. */
export async function go(
  module: string,
  args: readonly string[],
  onErrorLine?: (line: string) => void,
): Promise<string> {
  try {
    return await run('go', args, {
      cwd: join(goFolder, module),
      env: goEnvironment(),
      ...(onErrorLine === undefined ? {} : { onErrorLine }),
    });
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw explainGoFailure(error.stderr);
  }
}

/** What a failed go command means, in words that say what to do next. */
export function explainGoFailure(stderr: string): CommandError {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const mismatch = lines.find((line) => line.includes('checksum mismatch'));
  if (mismatch !== undefined) {
    return new CommandError(
      `the checksum of a Go module is wrong: ${mismatch}`,
      'it was not built; clear the module cache (`go clean -modcache`), check GOPROXY (`go env GOPROXY`) ' +
        'and run `make up` again',
    );
  }
  const download = lines.find((line) =>
    /dial tcp|no such host|connection refused|TLS handshake|i\/o timeout|proxyconnect|40[34] |410 Gone|50[0234] |module lookup disabled/.test(
      line,
    ),
  );
  if (download !== undefined) {
    return new CommandError(
      `a Go module could not be downloaded: ${download}`,
      'finished downloads are kept; check the network and GOPROXY (`go env GOPROXY`) and run `make up` again',
    );
  }
  const space = lines.find((line) => line.includes('no space left'));
  if (space !== undefined)
    return new CommandError(`the disk is full: ${space}`, 'free about 12 GB for Go and run `make up` again');
  return new CommandError(
    `the tools could not be built: ${lines
      .filter((line) => !line.startsWith('go: downloading'))
      .slice(-3)
      .join(' / ')}`,
    'run `make up` again; what was compiled is kept',
  );
}
