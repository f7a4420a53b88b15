import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/**
 * The folder in which all clones of a user share programs, schemas and charts: $XDG_CACHE_HOME, or the system's own
 * cache folder.
 */
export function cacheFolder(): string {
  const base =
    process.env.XDG_CACHE_HOME ??
    (process.platform === 'darwin' ? join(homedir(), 'Library/Caches') : join(homedir(), '.cache'));
  return join(base, 'gitops-platform');
}

/**
 * Fills a folder and puts it in place whole: nothing half-written is ever visible under its name. An existing
 * folder is kept, since its name is derived from its content.
 * @param fill is given a scratch folder beside the final one, so that a rename within one file system does it
 */
export function fillFolder(folder: string, fill: (scratch: string) => void): void {
  mkdirSync(dirname(folder), { recursive: true });
  const scratch = mkdtempSync(join(dirname(folder), `${basename(folder)}-making-`));
  try {
    fill(scratch);
    try {
      renameSync(scratch, folder);
    } catch (error) {
      // Another run was faster, and its files are the same.
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
