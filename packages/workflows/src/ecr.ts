import { digestOf } from '@gitops/images/registry';

// The stand-in of `aws ecr`: what the CLI prints for the calls that jobs make.

/** What ECR says of the scan of every image. */
export interface Scan {
  /** COMPLETE, IN_PROGRESS, UNSUPPORTED_IMAGE …; as ECR's API writes it. */
  readonly status: string;
  readonly findings?: readonly object[];
}

export interface EcrStandIn {
  /** host:port of the registry in its place; undefined where it has no images. */
  registry: string | undefined;
  scan: Scan;
  /** The operation of each call, describe-images. */
  readonly calls: string[];
}

/** What a program ended with. */
export interface Ended {
  readonly code: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

const PASSWORD = 'password-of-ecr';
/** The account by which jobs reach the registry, `user:password`. */
export const ECR_ACCOUNT = `AWS:${PASSWORD}`;

/**
 * Answers a call of the AWS CLI.
 * @param args all of its arguments
 * @param allowed the actions that the caller's role allows
 */
export async function answerAws(ecr: EcrStandIn, args: readonly string[], allowed: readonly string[]): Promise<Ended> {
  const [, operation = ''] = args;
  ecr.calls.push(operation);
  const action = actionOf(operation);
  if (!allowed.includes(action)) return { code: 254, stderr: `An error occurred (AccessDenied): ${action}` };
  const option = (name: string): string => args[args.indexOf(`--${name}`) + 1] ?? '';
  const image = /^image(?:Tag|Digest)=(.+)$/.exec(option('image-ids') + option('image-id'))?.[1] ?? '';
  switch (operation) {
    case 'get-login-password':
      return { code: 0, stdout: PASSWORD };
    case 'describe-images': {
      const { registry } = ecr;
      const digest = registry === undefined ? undefined : await digestOf(registry, option('repository-name'), image);
      return digest === undefined
        ? { code: 254, stderr: 'An error occurred (ImageNotFoundException)' }
        : { code: 0, stdout: digest };
    }
    case 'batch-get-image':
      return { code: 0, stdout: JSON.stringify({ images: [{ imageManifest: '{}' }] }) };
    case 'describe-image-scan-findings': {
      const { status, findings = [] } = ecr.scan;
      return { code: 0, stdout: JSON.stringify({ imageScanStatus: { status }, imageScanFindings: { findings } }) };
    }
    default:
      return { code: 252, stderr: `the stand-in of AWS does not know ${args.join(' ')}` };
  }
}

/** ecr:DescribeImages for describe-images. */
const actionOf = (operation: string): string =>
  operation === 'get-login-password'
    ? 'ecr:GetAuthorizationToken'
    : `ecr:${operation.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())}`;
