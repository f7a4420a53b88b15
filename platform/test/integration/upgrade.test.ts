import { copyFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { type Change, openPlatform, outputOf } from '../platform-in-tests.ts';
import { tofu } from '../platform-in-tests.ts';
import { SimulatedAws } from '../simulated-aws/cloud.ts';
import { openEngine } from '../simulated-aws/engine.ts';

// The stacks as the last release had them; `node platform/test/write-last-release.ts` writes them when a release is
// made.
const lastRelease = resolve(import.meta.dirname, '../last-release');
const STACKS = readdirSync(lastRelease);

// Replacing one of these loses its data, or stops everything that depends on it.
const LASTING = [
  'aws_ecr_repository',
  'aws_eks_cluster',
  'aws_iam_openid_connect_provider',
  'aws_kms_key',
  'aws_s3_bucket',
  'aws_secretsmanager_secret',
  'aws_subnet',
  'aws_vpc',
  'aws_backup_vault',
];

interface PlanJson {
  readonly resource_changes?: readonly {
    readonly address: string;
    readonly type: string;
    readonly change: { readonly actions: readonly string[] };
  }[];
}

/** What an upgrade from the last release to these stacks would take away, by address. */
async function losses(t: Test, changes: readonly Change[] = []): Promise<string[]> {
  const cloud = new SimulatedAws();
  const platform = await openPlatform(t, ({ name }) => STACKS.includes(name), changes, cloud);
  const program = await tofu();
  const lost: string[] = [];
  for (const { name, folder } of platform.stacks) {
    const engine = await openEngine(
      cloud,
      join(lastRelease, name),
      join(t.testdirName, 'last/out/stacks', name),
      program,
      folder,
    );
    t.teardown(() => {
      engine.close();
    });
    await engine.init();
    const applied = await engine.apply();
    t.equal(applied.code, 0, `${name}, last release${applied.code === 0 ? '' : outputOf(applied)}`);

    copyFileSync(join(folder, 'cdk.tf.json'), join(engine.folder, 'cdk.tf.json'));
    const planned = await engine.plan('-out=upgrade');
    t.ok(planned.code === 0 || planned.code === 2, `${name}, today${planned.code === 1 ? outputOf(planned) : ''}`);
    const { resource_changes: resources = [] } = JSON.parse(
      (await engine.run('show', '-json', 'upgrade')).output,
    ) as PlanJson;
    lost.push(
      ...resources
        .filter(({ type, change }) => LASTING.includes(type) && change.actions.includes('delete'))
        .map(({ address }) => `${name}: ${address}`),
    );
  }
  return lost;
}

t.test('an upgrade from the last release replaces and deletes nothing that must last', async (t) => {
  t.ok(STACKS.length > 3);
  t.same(
    await losses(t),
    [],
    'what is here must not go; if it must, write down how in docs/guides/aws.md and take it out of the release',
  );
});

t.test('another CIDR would be seen: it is another network', async (t) => {
  const lost = await losses(t, [['production', '10.2.0.0/16', '10.9.0.0/16']]);
  t.ok(
    lost.includes('production-network: aws_vpc.vpc') && lost.some((address) => address.includes('aws_subnet')),
    lost.join(),
  );
});
