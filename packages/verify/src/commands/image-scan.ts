import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { imageProblem } from '@gitops/delivery/image-file';
import { durationOption, secondsOf } from '@gitops/load/duration';
import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import { choice, text } from '@gitops/report/options';
import { clusterNames, readCluster } from '@gitops/settings';
import { FIRST_SERVICE, serviceNames } from '@gitops/settings/services';
import { awaitFindings } from '../image-scan.ts';
import { root } from '../pnpm.ts';
import { POLICY, reportFindings } from '../report-findings.ts';
import { acceptancesOf, readPolicy } from '../vulnerabilities.ts';

// ECR scans an image within a minute or two; a busy one takes longer.
const PATIENCE = '10m';

export default command({
  summary: "wait for ECR's scan of a service's image, and fail for findings that the policy does not accept",
  options: {
    app: choice(`the service, ${FIRST_SERVICE} by default`, () => serviceNames(root)),
    digest: text('sha256:… of the image', {
      isRequired: true,
      placeholder: 'DIGEST',
      problem: (digest) => imageProblem({ tag: 'any', digest })?.rule,
    }),
    timeout: durationOption(`how long to wait for the scan, ${PATIENCE} by default`),
  },
  run: async ({ options: { app = FIRST_SERVICE, digest, timeout = PATIENCE }, ...output }) => {
    const policy = readPolicy(readFileSync(resolve(root, POLICY), 'utf8'), POLICY);
    const cluster = clusterNames(root)
      .map((name) => readCluster(root, name))
      .find(({ provider }) => provider === 'aws');
    if (cluster?.provider !== 'aws') throw new CommandError('no cluster is on AWS', 'add one below clusters/');
    const image = { registry: cluster.registry, repository: app, digest };
    reportFindings(await awaitFindings(image, secondsOf(timeout)), acceptancesOf(policy, 'image'), output);
  },
});
