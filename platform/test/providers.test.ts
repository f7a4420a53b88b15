import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { SynthesizedStack } from '../src/app.ts';
import { initialize, LOCK_FILE, openTofu, type Tofu } from '../src/tofu.ts';
import { setEnvironment, tofu as tofuProgram } from './platform-in-tests.ts';

// Checksums of providers, with the real OpenTofu and packages in a folder, which hold a program of a line: nobody
// starts it.

interface Place {
  readonly platform: string;
  readonly tofu: Tofu;
  /** A package of the provider, with this text in it. */
  readonly pack: (provider: string, version: string, text: string) => void;
  readonly stack: (name: string, providers: Readonly<Record<string, string>>) => SynthesizedStack;
  readonly lockFile: string;
}

async function open(t: Test): Promise<Place> {
  const root = t.testdir({ 'settings.tofurc': '' });
  const platform = join(root, 'platform');
  writeFileSync(
    join(root, 'settings.tofurc'),
    `provider_installation {\n  filesystem_mirror {\n    path = "${join(root, 'mirror')}"\n  }\n}\n`,
  );
  setEnvironment(t, { TOFU: await tofuProgram(), TF_CLI_CONFIG_FILE: join(root, 'settings.tofurc') });
  return {
    platform,
    tofu: await openTofu(platform),
    pack: (provider, version, text) => {
      const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
      const folder = join(
        root,
        'mirror/registry.opentofu.org/hashicorp',
        provider,
        version,
        `${process.platform}_${architecture}`,
      );
      mkdirSync(folder, { recursive: true });
      const file = join(folder, `terraform-provider-${provider}_v${version}`);
      writeFileSync(file, text);
      chmodSync(file, 0o755);
    },
    stack: (name, providers) => {
      const folder = join(platform, 'cdktf.out/stacks', name);
      mkdirSync(folder, { recursive: true });
      const required = Object.fromEntries(
        Object.entries(providers).map(([provider, version]) => [
          provider,
          { source: `hashicorp/${provider}`, version },
        ]),
      );
      writeFileSync(
        join(folder, 'cdk.tf.json'),
        JSON.stringify({ terraform: { required_providers: required, backend: { local: {} } } }),
      );
      return { name, folder, after: [], cluster: 'dev' };
    },
    lockFile: join(platform, LOCK_FILE),
  };
}

/** As a fresh clone has it: nothing is downloaded yet, and synth has cleared its folder. */
const fresh = ({ platform }: Place): void => {
  for (const folder of ['.terraform', 'cdktf.out']) rmSync(join(platform, folder), { recursive: true, force: true });
};
const locked = (file: string): string[] =>
  Array.from(
    readFileSync(file, 'utf8').matchAll(/^provider "[^"]*\/([a-z]+)" \{\n {2}version += "([^"]+)"/gm),
    ([, name = '', version = '']) => `${name} ${version}`,
  );

t.test('the checksums of all stacks come together in one file, and no stack takes those of another out', async (t) => {
  const place = await open(t);
  const { tofu, platform, pack, stack, lockFile } = place;
  pack('aws', '6.25.0', 'one');
  pack('helm', '3.1.1', 'one');
  await initialize(tofu, platform, stack('dev-network', { aws: '6.25.0' }), 'local');
  t.same(locked(lockFile), ['aws 6.25.0']);
  await initialize(tofu, platform, stack('dev-argocd', { aws: '6.25.0', helm: '3.1.1' }), 'local');
  const text = readFileSync(lockFile, 'utf8');
  t.same(locked(lockFile), ['aws 6.25.0', 'helm 3.1.1']);
  fresh(place);
  await initialize(tofu, platform, stack('dev-network', { aws: '6.25.0' }), 'local');
  t.equal(readFileSync(lockFile, 'utf8'), text);
});

t.test('a provider with another checksum, or in another version, is refused', async (t) => {
  const place = await open(t);
  const { tofu, platform, pack, stack, lockFile } = place;
  pack('aws', '6.25.0', 'one');
  await initialize(tofu, platform, stack('dev-network', { aws: '6.25.0' }), 'local');
  const text = readFileSync(lockFile, 'utf8');
  fresh(place);
  pack('aws', '6.25.0', 'another');
  await t.rejects(initialize(tofu, platform, stack('dev-network', { aws: '6.25.0' }), 'local'), {
    message: 'dev-network: init failed',
    next: /delete its entry from platform\/\.terraform\.lock\.hcl/,
  });
  pack('aws', '6.26.0', 'one');
  await t.rejects(initialize(tofu, platform, stack('dev-network', { aws: '6.26.0' }), 'local'), {
    message: 'dev-network: init failed',
  });
  t.equal(readFileSync(lockFile, 'utf8'), text);

  rmSync(lockFile);
  fresh(place);
  await initialize(tofu, platform, stack('dev-network', { aws: '6.26.0' }), 'local');
  t.same(locked(lockFile), ['aws 6.26.0'], 'taken out, the new one comes in');
  t.ok(existsSync(join(platform, '.terraform/dev-network')));
});
