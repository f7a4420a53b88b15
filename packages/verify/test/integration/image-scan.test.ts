import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { root } from '../tree.ts';

const DIGEST = `sha256:${'1'.repeat(64)}`;
const OTHER = `sha256:${'2'.repeat(64)}`;
const INDEX = { manifests: [{ digest: DIGEST }, { digest: OTHER }] };

const scan = (status: string, findings: object[] = [], more: object = {}): object => ({
  imageScanStatus: { status, description: 'as ECR says' },
  imageScanFindings: { findings, ...more },
});
const finding = (name: string, severity: string): object => ({
  ...{ name, severity, uri: `https://example.com/${name}` },
  attributes: [
    { key: 'package_version', value: '1.0' },
    { key: 'package_name', value: 'libssl3' },
  ],
});

interface Case {
  /** What ECR answers, one after the other; the last one from then on. */
  readonly scans: readonly (object | 'ScanNotFoundException' | 'AccessDeniedException')[];
  readonly manifest?: object;
  readonly args?: readonly string[];
}

/** Runs `make image-scan`'s command with an `aws` that answers for ECR. */
function imageScan(t: Test, { scans, manifest = {}, args = ['--digest', DIGEST, '--timeout', '3s'] }: Case) {
  const folder = t.testdir({});
  const images = { images: [{ imageManifest: JSON.stringify(manifest) }] };
  writeFileSync(join(folder, 'answers.json'), JSON.stringify({ images, scans }));
  writeFileSync(
    join(folder, 'aws.mjs'),
    `import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
const [folder, ...args] = process.argv.slice(2);
appendFileSync(folder + '/calls', args.join(' ') + '\\n');
const answers = JSON.parse(readFileSync(folder + '/answers.json'));
if (args[1] === 'batch-get-image') console.log(JSON.stringify(answers.images));
else {
  const [answer, ...others] = answers.scans;
  if (others.length > 0) writeFileSync(folder + '/answers.json', JSON.stringify({ ...answers, scans: others }));
  if (typeof answer === 'string') {
    console.error('An error occurred (' + answer + ')');
    process.exitCode = 254;
  } else console.log(JSON.stringify(answer));
}
`,
  );
  writeFileSync(join(folder, 'aws'), `#!/bin/sh\nexec '${process.execPath}' '${folder}/aws.mjs' '${folder}' "$@"\n`, {
    mode: 0o755,
  });
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'packages/verify/src/main.ts'), 'image-scan', ...args],
    { encoding: 'utf8', env: { PATH: folder, HOME: folder } },
  );
  const calls = existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') : [];
  return { status, stdout, stderr, calls };
}

t.test('findings from the limit on stop the release; lower ones are shown', (t) => {
  const { status, stdout, stderr, calls } = imageScan(t, {
    scans: [scan('COMPLETE', [finding('CVE-2026-11111', 'MEDIUM'), finding('CVE-2026-22222', 'HIGH')])],
  });
  t.equal(status, 1);
  t.match(stdout, /libssl3 1\.0 +high +CVE-2026-22222 +https:\/\/example\.com\/CVE-2026-22222 +- +stops the release/);
  t.match(stdout, /libssl3 1\.0 +moderate +CVE-2026-11111 .* below the limit/);
  t.match(stderr, /1 of them stop a release/);
  const place = '--registry-id 111111111111 --region us-east-1 --repository-name fastify-service';
  t.strictSame(calls, [
    `ecr batch-get-image ${place} --image-ids imageDigest=${DIGEST} --output json`,
    `ecr describe-image-scan-findings ${place} --image-id imageDigest=${DIGEST} --output json`,
  ]);
  t.end();
});

t.test('an image without findings from the limit on passes; an unrated one is the lowest', (t) => {
  const { status, stdout, stderr } = imageScan(t, { scans: [scan('COMPLETE', [finding('CVE-2026-1', 'UNDEFINED')])] });
  t.equal(status, 0, stderr);
  t.match(stdout, /info +CVE-2026-1 .* below the limit/);
  t.match(imageScan(t, { scans: [scan('COMPLETE')] }).stdout, 'no known vulnerabilities');
  t.equal(imageScan(t, { scans: [scan('COMPLETE', [finding('CVE-2026-1', 'DREADFUL')])] }).status, 1);
  t.end();
});

t.test('it waits until the scan has begun and ended', (t) => {
  const { status, stderr, calls } = imageScan(t, {
    scans: ['ScanNotFoundException', scan('IN_PROGRESS'), scan('COMPLETE')],
    args: ['--digest', DIGEST],
  });
  t.equal(status, 0, stderr);
  t.equal(calls.length, 4);
  t.end();
});

t.test('every platform of an index is asked for, since ECR scans no index', (t) => {
  const bad = scan('COMPLETE', [finding('CVE-2026-22222', 'CRITICAL')]);
  const { status, calls, stdout } = imageScan(t, { manifest: INDEX, scans: [scan('COMPLETE'), bad] });
  t.equal(status, 1);
  t.match(stdout, 'CVE-2026-22222');
  t.match(calls.slice(1), [DIGEST, OTHER]);
  t.end();
});

t.test('what is not known stops the release with a clear message', (t) => {
  const stuck = imageScan(t, { scans: [scan('IN_PROGRESS')] });
  t.equal(stuck.status, 1);
  t.match(
    stuck.stderr,
    `error: ECR has not scanned fastify-service@${DIGEST} within 3 s: IN_PROGRESS\n next: run the job`,
  );
  t.match(imageScan(t, { scans: ['ScanNotFoundException'] }).stderr, /within 3 s: not begun\n next: .*scan on push/);
  t.match(imageScan(t, { scans: [scan('FAILED')] }).stderr, /did not scan .*: FAILED, as ECR says\n next: /);
  t.match(imageScan(t, { scans: ['AccessDeniedException'] }).stderr, /AccessDeniedException.*\n next: .*image-push/);
  t.match(imageScan(t, { scans: [scan('ACTIVE', [], { enhancedFindings: [{}] })] }).stderr, /enhanced scan/);
  const unsupported = imageScan(t, { scans: [scan('UNSUPPORTED_IMAGE')] });
  t.equal(unsupported.status, 1);
  t.match(unsupported.stdout, /critical +UNSUPPORTED_IMAGE +ECR cannot scan the operating system.* stops the release/);
  t.match(imageScan(t, { scans: [], args: [] }).stderr, /DIGEST/);
  t.match(imageScan(t, { scans: [], args: ['--digest', 'sha256:1'] }).stderr, /must be sha256:/);
  t.end();
});
