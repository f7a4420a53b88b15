// The first step of every make target: brings pnpm in the version that package.json names, and installs the workspace.
// Runs on the machine's own Node.js (20 or newer) before anything is installed, hence plain JavaScript without imports
// from the workspace. Usage: node packages/local/bootstrap.mjs
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const LOWEST_NODE = 20;

// SHA-512 of the packages that make up pnpm, in npm's notation; pnpm itself runs from the one for this platform. On a
// platform that is not listed, pnpm's own package.json, which is checked, still pins its exact version.
const INTEGRITY = {
  pnpm: 'sha512-Zv2CeO4ok1zpUXktNDZ/869cQyonVkRYIwKVM4NbjaUpu+C+UTCv1W7QcT+4eJ5Hutgtk71a4v5UsVVi1idu8A==',
  '@pnpm/exe.linux-x64':
    'sha512-8eufCjHXspKbNS/kh8q4Q0gqJoOuvC4Q5pgos6XS8By/nAMtP+jf8F1Cw9er840kfAX+PJ/ts+A9qnLE91rvXQ==',
  '@pnpm/exe.linux-arm64':
    'sha512-4Oj/iF2TDCe2lcH0n4TupPR5sSdrNLclJB6xBElLMPCUOAvBhdf2rRlSaO5M4erJ6g4Fyy7YTXTpcmfFsKyxEA==',
};

const DETAIL_INTERVAL = process.stderr.isTTY ? 100 : 10_000;

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const beginning = Date.now();
const elapsed = () => `${((Date.now() - beginning) / 1000).toFixed(1)} s`;

// Progress goes to standard error, in the form of packages/report: standard output is for what a command answers.
const clear = process.stderr.isTTY ? '\r\u001b[K' : '';
const print = (line) => process.stderr.write(`${clear}${line}\n`);

function fail(message, next) {
  print(`error: ${message}\n next: ${next}`);
  process.exit(1);
}

/**
 * Runs a program to its end. Its warnings are shown, its progress as one line that stays in place on a terminal, and
 * everything else only when it fails.
 */
async function run(command, args, failure, next) {
  const output = [];
  let lastDetail = Date.now();
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const show = (line) => {
    output.push(line);
    const [, detail] = /^Progress: (.*)/.exec(line) ?? [];
    if (/^\s*\[?WARN\b/.test(line)) print(line);
    if (detail === undefined || Date.now() - lastDetail < DETAIL_INTERVAL) return;
    process.stderr.write(`${clear}      ${detail}, ${elapsed()}${process.stderr.isTTY ? '' : '\n'}`);
    lastDetail = Date.now();
  };
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', show);
  try {
    const [code] = await once(child, 'close');
    if (code === 0) return;
  } catch (error) {
    fail(`${failure}: ${error.message}`, next);
  }
  print(output.join('\n'));
  fail(failure, next);
}

/** Brings pnpm into a folder by the machine's npm, and checks what came. */
async function bringPnpm(packageManager, folder) {
  print(`    … ${packageManager}, a few seconds`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
  const args = ['install', '--prefix', folder, '--loglevel=error', '--no-save', '--no-audit', '--no-fund'];
  await run(
    'npm',
    [...args, packageManager],
    `npm cannot install ${packageManager}`,
    "check the network and npm's registry (`npm config get registry`) and run make again",
  );
  const { packages } = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'));
  for (const [path, { integrity }] of Object.entries(packages)) {
    const name = path.replace(/^node_modules\//, '');
    if (INTEGRITY[name] === undefined || INTEGRITY[name] === integrity) continue;
    rmSync(folder, { recursive: true, force: true });
    fail(
      `the checksum of ${name} is ${integrity}; expected ${INTEGRITY[name]}`,
      "it was removed again; check npm's registry (`npm config get registry`) and run make again",
    );
  }
  writeFileSync(join(folder, 'verified'), '');
  print(`${elapsed().padStart(9)}  ${packageManager}`);
}

const major = Number(process.versions.node.split('.')[0]);
if (major < LOWEST_NODE)
  fail(
    `Node.js ${LOWEST_NODE} or newer is needed; this is ${process.version}`,
    'install it from https://nodejs.org and run make again',
  );

const { packageManager, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const folder = join(root, '.local', packageManager);
if (!existsSync(join(folder, 'verified'))) await bringPnpm(packageManager, folder);

// A stamp of everything that an install depends on: when nothing changed, pnpm is not even started.
const hash = createHash('sha256');
for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'])
  hash.update(readFileSync(join(root, file)));
const stamp = `${hash.digest('hex')} ${process.platform} ${process.arch}\n`;
const stampFile = join(root, 'node_modules/.installed');
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
  print('    … npm packages of the workspace, about half a minute the first time');
  await run(
    join(folder, 'node_modules/.bin/pnpm'),
    [
      'install',
      '--frozen-lockfile',
      '--reporter=append-only',
      // Packages are checked against the Node.js that will run them, which is one of them, not the machine's own.
      `--config.node-version=${devDependencies.node}`,
      // A slow network is no fault; one that fails still warns of each retry.
      '--config.fetch-warn-timeout-ms=60000',
    ],
    'pnpm cannot install the workspace',
    'check the network and run make again; what was downloaded is kept',
  );
  writeFileSync(stampFile, stamp);
  print(`${elapsed().padStart(9)}  npm packages of the workspace`);
}
