import { createHash } from 'node:crypto';
import { imageProblem, tagProblem } from '@gitops/delivery/image-file';
import { command } from '@gitops/report/command-line';
import { text } from '@gitops/report/options';
import { openInstance } from '../instance.ts';
import { publishImage, repositoryURL } from '../repository.ts';
import { reportDelivery } from './report-delivery.ts';
import { appOption, DEFAULT_APPLICATION, runningPorts } from './running.ts';

const digestProblem = (digest: string): string | undefined => imageProblem({ tag: 'any', digest })?.rule;

export default command({
  summary: "CI's part: commit a new image TAG (and DIGEST) for APP, and wait",
  options: {
    tag: text('the tag of the image', {
      isRequired: true,
      placeholder: 'TAG',
      example: '0.2.0',
      problem: tagProblem,
    }),
    digest: text('sha256:… of the image; by default one is made up from APP and TAG', {
      placeholder: 'DIGEST',
      problem: digestProblem,
    }),
    app: appOption,
  },
  run: async ({ options: { tag, digest: given, app = DEFAULT_APPLICATION }, json, print }) => {
    const start = Date.now();
    const instance = openInstance();
    // No registry runs here, so a digest is derived from the tag.
    const digest = given ?? `sha256:${createHash('sha256').update(`${app}:${tag}`).digest('hex')}`;
    const ports = runningPorts(instance);
    const publication = await publishImage(instance, repositoryURL(ports.git), app, { tag, digest });
    await reportDelivery(instance, ports, publication, { start, json, print });
  },
});
