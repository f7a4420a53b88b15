import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';

/**
 * Where credentials for AWS would come from, in the order of its SDKs (AWS SDKs and Tools reference guide,
 * "Standardized credential providers"); undefined where there are none. An EC2 instance may have others, which cannot
 * be known without asking: AWS_EC2_METADATA_DISABLED=false allows them.
 */
export function credentialSource(env: NodeJS.ProcessEnv = process.env, home = homedir()): string | undefined {
  if (isSet(env.AWS_ACCESS_KEY_ID) && isSet(env.AWS_SECRET_ACCESS_KEY)) return 'AWS_ACCESS_KEY_ID';
  if (isSet(env.AWS_WEB_IDENTITY_TOKEN_FILE)) return 'AWS_WEB_IDENTITY_TOKEN_FILE';
  const files = [
    env.AWS_SHARED_CREDENTIALS_FILE ?? join(home, '.aws/credentials'),
    env.AWS_CONFIG_FILE ?? join(home, '.aws/config'),
  ];
  const sections = files
    .filter((file) => existsSync(file))
    .flatMap((file) =>
      Array.from(readFileSync(file, 'utf8').matchAll(/^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/gm), ([, name]) => name),
    );
  const profile = env.AWS_PROFILE ?? 'default';
  if (sections.includes(profile)) return `profile ${profile}`;
  if (isSet(env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI) || isSet(env.AWS_CONTAINER_CREDENTIALS_FULL_URI))
    return 'AWS_CONTAINER_CREDENTIALS';
  if (env.AWS_EC2_METADATA_DISABLED === 'false') return 'the metadata of this EC2 machine';
  return undefined;
}

/** Throws CommandError where there are no credentials for AWS. */
export function requireCredentials(env: NodeJS.ProcessEnv = process.env, home = homedir()): void {
  if (credentialSource(env, home) !== undefined) return;
  const problem = isSet(env.AWS_PROFILE)
    ? `AWS_PROFILE is ${env.AWS_PROFILE ?? ''}, and ~/.aws has no such profile`
    : 'no credentials for AWS: neither in the environment nor in ~/.aws';
  throw new CommandError(
    problem,
    'log in, for example with `aws sso login --profile NAME`, set AWS_PROFILE=NAME, and run the command again',
  );
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '';
