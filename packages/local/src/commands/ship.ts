import { createHash } from 'node:crypto';
import { type Image, imageFile, imageProblem, tagProblem } from '@gitops/delivery/image-file';
import { readServiceDockerfile } from '@gitops/images/service-image';
import { command } from '@gitops/report/command-line';
import { CommandError, UsageError } from '@gitops/report/errors';
import { text } from '@gitops/report/options';
import { type Progress, progressTo } from '@gitops/report/progress';
import { LOCAL_REGISTRY } from '@gitops/settings';
import { ensureTools, type Tools } from '@gitops/tools/tools';
import { shortImage } from '../applications.ts';
import { beginBuild, refuseOlderBuild, rememberBuild } from '../builds.ts';
import { followPods } from '../follow-pods.ts';
import { type Instance, openInstance } from '../instance.ts';
import type { Ports } from '../ports.ts';
import { publishedImage, publishImage, repositoryURL } from '../repository.ts';
import { buildLocalImage } from '../service-image.ts';
import { Timeline } from '../timeline.ts';
import { reportDelivery, reportRefresh } from './report-delivery.ts';
import { appOption, DEFAULT_APPLICATION, runningPorts } from './running.ts';

const digestProblem = (digest: string): string | undefined => imageProblem({ tag: 'any', digest })?.rule;

export default command({
  summary: "CI's part: build the service's image, push it, commit its tag, digest and platforms, and wait",
  options: {
    tag: text(
      'the tag of the image, by default version and commit; one with `bad` stands for an image that is missing',
      {
        placeholder: 'TAG',
        example: '0.2.0',
        problem: tagProblem,
      },
    ),
    digest: text('sha256:… of an image that is in the registry already; it is not built then', {
      placeholder: 'DIGEST',
      problem: digestProblem,
    }),
    app: appOption,
  },
  run: async ({ options: { tag, digest, app = DEFAULT_APPLICATION }, json, print }) => {
    const start = Date.now();
    if (digest !== undefined && tag === undefined)
      throw new UsageError('DIGEST needs TAG', 'give the tag that people are to read, for instance TAG=0.2.0');
    const instance = openInstance();
    const ports = runningPorts(instance);
    const progress = progressTo();
    const tools = await ensureTools({ ...progress, note: () => undefined }, { verify: false });
    const timeline = new Timeline(start);
    const { image, mayReplace } =
      givenImage({ tag, digest, app }) ?? (await build(instance, { tools, ports, app, tag, timeline, progress }));

    let isCommitted = false;
    let isAnyReady = false;
    const stopFollowing = followPods(instance, tools, app, (pod) => {
      const isNew = pod.image === `${LOCAL_REGISTRY}/${app}:${image.tag}@${image.digest}`;
      if (!isCommitted || isAnyReady || !isNew || !pod.isReady) return;
      isAnyReady = true;
      timeline.end('first new pod ready');
      progress.done(`${pod.name} is ready`);
    });
    try {
      const publication = await publishImage(instance, repositoryURL(ports.git), app, image, mayReplace);
      isCommitted = publication.files.length > 0;
      timeline.end('commit');
      const onSynced = (): void => {
        timeline.end('Argo CD sync');
        progress.done('Argo CD has applied it');
      };
      await reportDelivery(instance, ports, publication, { start, json, print, timeline, onSynced });
    } finally {
      stopFollowing();
      // Also after a bad release: the rules know which image Git has.
      if (isCommitted) await reportRefresh(instance, ports, json ? undefined : print);
    }
  },
});

/** What is committed, and what it may replace: all where left out. */
interface Shipment {
  readonly image: Image;
  readonly mayReplace?: (present: Image) => void;
}

/** The image to commit without a build; undefined when it must be built. */
function givenImage({
  tag,
  digest,
  app,
}: {
  tag?: string | undefined;
  digest?: string | undefined;
  app: string;
}): Shipment | undefined {
  if (tag === undefined) return undefined;
  if (digest !== undefined) return { image: { tag, digest } };
  // No registry has it: what a bad release looks like.
  if (!tag.includes('bad')) return undefined;
  return { image: { tag, digest: `sha256:${createHash('sha256').update(`${app}:${tag}`).digest('hex')}` } };
}

interface BuildOptions {
  readonly tools: Tools;
  readonly ports: Ports;
  readonly app: string;
  readonly tag: string | undefined;
  readonly timeline: Timeline;
  readonly progress: Progress;
}

async function build(
  instance: Instance,
  { tools, ports, app, tag, timeline, progress }: BuildOptions,
): Promise<Shipment> {
  if ((await publishedImage(instance, app)) === undefined)
    throw new CommandError(
      `main has no ${imageFile(instance.cluster, app)}`,
      'name an application that has an image file in this cluster',
    );
  timeline.end('set-up');
  const build = await beginBuild(instance.root, readServiceDockerfile(instance.root, app).inputs);
  const image = await buildLocalImage(instance, tools, ports, { service: app, tag });
  for (const part of ['bundle', 'assemble', 'push'] as const) timeline.add(part, image.seconds[part]);
  progress.done(`pushed ${shortImage(image.reference)}`);
  rememberBuild(instance, image.digest, build);
  return {
    image,
    mayReplace: (present) => {
      refuseOlderBuild(instance, app, image, build, present);
    },
  };
}
