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
  /** Each call, `access key: ecr describe-images …`. */
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
 * @param key AWS_ACCESS_KEY_ID of the caller
 */
export async function answerAws(ecr: EcrStandIn, args: readonly string[], key: string): Promise<Ended> {
  ecr.calls.push(`${key}: ${args.slice(0, 2).join(' ')}`);
  if (key !== 'keys-of-gitops-platform-image-push') return { code: 254, stderr: 'An error occurred (AccessDenied)' };
  const option = (name: string): string => args[args.indexOf(`--${name}`) + 1] ?? '';
  const image = /^image(?:Tag|Digest)=(.+)$/.exec(option('image-ids') + option('image-id'))?.[1] ?? '';
  switch (args[1]) {
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
