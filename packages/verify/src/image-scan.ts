import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import type { Severity, Vulnerability } from './vulnerabilities.ts';

// What ECR's basic scan finds in an image: ECR API reference, DescribeImageScanFindings.

/** An image in ECR. */
export interface EcrImage {
  readonly registry: { readonly accountId: string; readonly region: string };
  /** fastify-service */
  readonly repository: string;
  /** sha256:… */
  readonly digest: string;
}

/**
 * The finding that stands for an image whose operating system ECR cannot scan. The policy accepts it as any other: nothing
 * is known of such an image, and a person has to decide that this will do.
 */
export const UNSUPPORTED = 'UNSUPPORTED_IMAGE';

/** ECR's severities by ours. One without a rating yet counts as the lowest: most are never rated higher. */
const SEVERITIES: Readonly<Record<string, Severity>> = {
  CRITICAL: 'critical',
  HIGH: 'high',
  MEDIUM: 'moderate',
  LOW: 'low',
  INFORMATIONAL: 'info',
  UNDEFINED: 'info',
};
const UNFINISHED = ['PENDING', 'IN_PROGRESS'];
const FINISHED = ['COMPLETE', 'ACTIVE'];
const INTERVAL_MS = 2000;

/** What `aws ecr describe-image-scan-findings` prints, as far as it is read here. */
interface Answer {
  readonly imageScanStatus: { readonly status: string; readonly description?: string };
  readonly imageScanFindings?: {
    readonly findings?: readonly {
      readonly name: string;
      readonly severity: string;
      readonly uri?: string;
      readonly attributes?: readonly { readonly key: string; readonly value: string }[];
    }[];
    readonly enhancedFindings?: readonly unknown[];
  };
}

/**
 * Waits until ECR has scanned an image, and gives what it found; for an image of several platforms, in each of them.
 * @param patience in seconds, for each platform
 * Throws CommandError where the scan fails, does not end in time, or cannot be asked for.
 */
export async function awaitFindings(image: EcrImage, patience: number): Promise<Vulnerability[]> {
  const found = new Map<string, Vulnerability>();
  for (const digest of await scannedDigests(image))
    for (const vulnerability of await findingsOf({ ...image, digest }, patience))
      found.set(`${vulnerability.advisory} ${vulnerability.package} ${vulnerability.version}`, vulnerability);
  return [...found.values()];
}

/** What ECR scans of an image: itself, or the images of an index, which is never scanned. */
async function scannedDigests(image: EcrImage): Promise<string[]> {
  const { images } = JSON.parse(await ecr(image, 'batch-get-image', '--image-ids', `imageDigest=${image.digest}`)) as {
    readonly images: readonly { readonly imageManifest: string }[];
  };
  const [first] = images;
  if (first === undefined)
    throw new CommandError(`ECR has no ${nameOf(image)}`, 'push it first, or correct DIGEST: `make image` prints it');
  const { manifests } = JSON.parse(first.imageManifest) as { manifests?: readonly { readonly digest: string }[] };
  return manifests?.map(({ digest }) => digest) ?? [image.digest];
}

async function findingsOf(image: EcrImage, patience: number): Promise<Vulnerability[]> {
  const end = Date.now() + patience * 1000;
  for (;;) {
    const answer = await scanOf(image);
    const status = answer?.imageScanStatus.status ?? 'not begun';
    if (answer !== undefined && FINISHED.includes(status)) return read(answer, image);
    if (status === UNSUPPORTED) return [unsupported(image)];
    if (answer !== undefined && !UNFINISHED.includes(status))
      throw new CommandError(
        `ECR did not scan ${nameOf(image)}: ${status}, ${answer.imageScanStatus.description ?? 'without a reason'}`,
        'run the job again; nothing is deployed until there is a result',
      );
    if (Date.now() + INTERVAL_MS > end)
      throw new CommandError(
        `ECR has not scanned ${nameOf(image)} within ${patience} s: ${status}`,
        'run the job again, or wait longer (TIMEOUT=30m); a scan that never begins: is the registry applied, with scan on push?',
      );
    await sleep(INTERVAL_MS);
  }
}

/** What ECR says of a scan; undefined where it has not begun. */
async function scanOf(image: EcrImage): Promise<Answer | undefined> {
  try {
    const id = `imageDigest=${image.digest}`;
    return JSON.parse(await ecr(image, 'describe-image-scan-findings', '--image-id', id)) as Answer;
  } catch (error) {
    if (error instanceof CommandError && error.message.includes('ScanNotFoundException')) return undefined;
    throw error;
  }
}

function read({ imageScanFindings = {} }: Answer, image: EcrImage): Vulnerability[] {
  const { findings = [], enhancedFindings = [] } = imageScanFindings;
  if (enhancedFindings.length > 0)
    throw new CommandError(
      `ECR answers for ${nameOf(image)} with findings of its enhanced scan, which are not read here`,
      'set the registry back to the basic scan (`make apply STACK=registry`)',
    );
  return findings.map(({ name, severity, uri = '-', attributes = [] }) => {
    const attribute = (key: string): string => attributes.find((each) => each.key === key)?.value ?? '-';
    return {
      advisory: name,
      // One that ECR has newly invented stops a release until somebody has looked.
      severity: SEVERITIES[severity] ?? 'critical',
      package: attribute('package_name'),
      version: attribute('package_version'),
      title: uri,
      fixedIn: '-',
    };
  });
}

const unsupported = ({ digest }: EcrImage): Vulnerability => ({
  advisory: UNSUPPORTED,
  severity: 'critical',
  package: digest.slice(0, 19),
  version: '-',
  title: 'ECR cannot scan the operating system of this image',
  fixedIn: '-',
});

const nameOf = ({ repository, digest }: EcrImage): string => `${repository}@${digest}`;

/** Calls `aws ecr`. Throws CommandError where that fails. */
async function ecr({ registry, repository }: EcrImage, operation: string, ...args: readonly string[]): Promise<string> {
  const place = ['--registry-id', registry.accountId, '--region', registry.region, '--repository-name', repository];
  try {
    return await run('aws', ['ecr', operation, ...place, ...args, '--output', 'json']);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    if (error.code === null)
      throw new CommandError('aws is needed and not on the PATH', 'install the AWS CLI, version 2');
    throw new CommandError(
      error.message,
      'do the credentials belong to the account of the registry? the role image-push may ask (`make ci-role`)',
    );
  }
}
