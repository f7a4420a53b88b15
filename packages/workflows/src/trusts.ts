import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Trust } from './github.ts';
import { root } from './repository.ts';

interface Role {
  readonly name: string;
  readonly assume_role_policy: string;
}

interface RolePolicy {
  /** ${aws_iam_role.image-push.name} */
  readonly role: string;
  readonly policy: string;
}

interface Statement {
  readonly Action: string;
  readonly Condition: { readonly StringEquals: Trust['equals'] };
}

/**
 * The roles of all accounts that GitHub's jobs may take, from the bootstrap stacks as CDKTF writes them.
 * @param folder an empty folder for the stacks
 */
export function trustsOfStacks(folder: string): Trust[] {
  const { status, stderr } = spawnSync(
    resolve(root, 'node_modules/.bin/node'),
    [resolve(root, 'platform/src/main.ts'), 'synth'],
    { env: { PATH: process.env.PATH, CDKTF_OUTDIR: folder }, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  const trusts: Trust[] = [];
  for (const stack of readdirSync(join(folder, 'stacks')).filter((name) => name.startsWith('bootstrap-'))) {
    const { resource } = JSON.parse(readFileSync(join(folder, 'stacks', stack, 'cdk.tf.json'), 'utf8')) as {
      resource: {
        aws_iam_role: Readonly<Record<string, Role>>;
        aws_iam_role_policy?: Readonly<Record<string, RolePolicy>>;
      };
    };
    const policies = Object.values(resource.aws_iam_role_policy ?? {});
    for (const [id, role] of Object.entries(resource.aws_iam_role)) {
      const own = policies.filter((policy) => policy.role === `\${aws_iam_role.${id}.name}`);
      trusts.push(...trustsOf(stack.replace('bootstrap-', ''), role, own.flatMap(actionsOf)));
    }
  }
  return trusts;
}

const actionsOf = ({ policy }: RolePolicy): string[] =>
  (JSON.parse(policy) as { Statement: readonly { Action: string | readonly string[] }[] }).Statement.flatMap(
    ({ Action }) => Action,
  );

function trustsOf(account: string, { name, assume_role_policy: policy }: Role, actions: readonly string[]): Trust[] {
  const { Statement } = JSON.parse(policy) as { readonly Statement: readonly Statement[] };
  return Statement.filter(({ Action }) => Action === 'sts:AssumeRoleWithWebIdentity').map(({ Condition }) => ({
    arn: `arn:aws:iam::${account}:role/${name}`,
    equals: Condition.StringEquals,
    actions,
  }));
}
