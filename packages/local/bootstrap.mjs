// The first step of every make target: brings pnpm in the version that package.json names, and installs the workspace.
// Runs on the machine's own Node.js (20 or newer) before anything is installed, hence plain JavaScript without imports
// from the workspace. Usage: node packages/local/bootstrap.mjs
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LOWEST_NODE = 20;

// SHA-512 of the packages that make up pnpm, as npm writes them down; pnpm itself runs from the one for this platform.
// Where a platform is not listed, pnpm's own package.json, which is checked, still pins its exact version.
const INTEGRITY = {
  pnpm: 'sha512-Zv2CeO4ok1zpUXktNDZ/869cQyonVkRYIwKVM4NbjaUpu+C+UTCv1W7QcT+4eJ5Hutgtk71a4v5UsVVi1idu8A==',
  '@pnpm/exe.linux-x64':
    'sha512-8eufCjHXspKbNS/kh8q4Q0gqJoOuvC4Q5pgos6XS8By/nAMtP+jf8F1Cw9er840kfAX+PJ/ts+A9qnLE91rvXQ==',
  '@pnpm/exe.linux-arm64':
    'sha512-4Oj/iF2TDCe2lcH0n4TupPR5sSdrNLclJB6xBElLMPCUOAvBhdf2rRlSaO5M4erJ6g4Fyy7YTXTpcmfFsKyxEA==',
};

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

function fail(message, next) {
  console.error(`error: ${message}\n next: ${next}`);
  process.exit(1);
}

function run(command, args, failure, next) {
  // Progress belongs on standard error: standard output is for what a command answers.
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) fail(`${failure}${error ? `: ${error.message}` : ''}`, next);
}

const major = Number(process.versions.node.split('.')[0]);
if (major < LOWEST_NODE)
  fail(
    `Node.js ${LOWEST_NODE} or newer is needed, and ${process.version} was found`,
    'install it from https://nodejs.org and run make again',
  );

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const folder = join(root, '.local', packageManager);
const pnpm = join(folder, 'node_modules/.bin/pnpm');

if (!existsSync(join(folder, 'verified'))) {
  console.error(`bringing ${packageManager}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
  const args = ['install', '--prefix', folder, '--silent', '--no-save', '--no-audit', '--no-fund', packageManager];
  run(
    'npm',
    args,
    `npm could not bring ${packageManager}`,
    "check the network and npm's registry (`npm config get registry`) and run make again",
  );
  const { packages } = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'));
  for (const [path, { integrity }] of Object.entries(packages)) {
    const name = path.replace(/^node_modules\//, '');
    if (INTEGRITY[name] !== undefined && INTEGRITY[name] !== integrity) {
      rmSync(folder, { recursive: true, force: true });
      fail(
        `the checksum of ${name} is ${integrity}, and ${INTEGRITY[name]} was expected`,
        "it was removed again; look at npm's registry (`npm config get registry`) and run make again",
      );
    }
  }
  writeFileSync(join(folder, 'verified'), '');
}

// One stamp of everything that an install depends on: where nothing changed, nothing is asked of pnpm.
const inputs = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'];
const hash = createHash('sha256');
for (const file of inputs) hash.update(readFileSync(join(root, file)));
const stamp = `${hash.digest('hex')} ${process.platform} ${process.arch}\n`;
const stampFile = join(root, 'node_modules/.installed');
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
  console.error('installing the workspace (node_modules)');
  run(
    pnpm,
    ['install', '--frozen-lockfile', '--reporter=append-only'],
    'the workspace could not be installed',
    'check the network and run make again; what arrived is kept',
  );
  writeFileSync(stampFile, stamp);
}
