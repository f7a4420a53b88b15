// A merge that changes the service, up to the pods that answer with it: the workflow `release` runs by act on the stack's
// own Git server and registry, and Argo CD deploys what it commits.
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Image, imageFile, readImage, setImage } from '@gitops/delivery/image-file';
import { ensureNodeBase } from '@gitops/images/node-base';
import { readServiceDockerfile } from '@gitops/images/service-image';
import { followPods, publishedImage, registryAddress, Timeline } from '@gitops/local';
import { LOCAL_REGISTRY, readCluster } from '@gitops/settings';
import { ECR_ACCOUNT } from '@gitops/workflows/ecr';
import { AWS_ENABLED, openScene, type Outcome, type Owner, type Scene } from '@gitops/workflows/scene';
import { trustsOfStacks } from '@gitops/workflows/trusts';
import { APP, type Stack, until } from './stack.ts';

/** The first cluster that a release passes: the stack stands in its place. */
const FIRST = 'dev';
const APPLICATION_SET = 'argocd/applications/fastify-service.yaml';
const OWN_IMAGE_FILE = '{{ .metadata.labels.cluster }}/fastify-service.image.yaml';
const FIRST_IMAGE_FILE = `${FIRST}/fastify-service.image.yaml`;
const DOCKERFILE = 'service/Dockerfile';
const SOURCE = 'service/src/problems.ts';
const OLD_TEXT = 'The request does not fit its schema';
const HOST = 'fastify-service.localhost';

/** The targets of make that run as they are. `make charts` would need the network. */
const REAL = ['install', 'ci-role', 'sbom', 'scan', 'image', 'image-scan', 'bump', 'promote', 'diff'];

/** What came of a merge. */
export interface Release {
  readonly scene: Scene;
  readonly outcome: Outcome;
  /** The commit that was merged. */
  readonly commit: string;
  /** The image that the release deployed. */
  readonly image: Image;
  /** From the push on, until all pods are new. */
  readonly timeline: Timeline;
  /** From the push until the first answer by the new code. */
  readonly answeredAfter: number;
}

/**
 * Has the stack stand in dev's place: its Application takes dev's image file, and dev's image is the one that it runs. The
 * base image of the service becomes one of the local registry.
 */
export async function standInForDev(stack: Stack): Promise<void> {
  const image = await publishedImage(stack.instance, APP);
  if (image === undefined) throw new Error('the stack has no image of the service');
  const { root } = stack.instance;
  const place = { name: LOCAL_REGISTRY, address: registryAddress(stack.ports) };
  // The release builds for every kind of node. That of this machine alone is run.
  const base = await ensureNodeBase(root, stack.tools.bin, place, ['linux/amd64', 'linux/arm64']);
  const file = imageFile(FIRST, APP);
  await stack.delivered(
    await stack.push("The stack stands in dev's place", {
      [APPLICATION_SET]: (text) => replace(text, OWN_IMAGE_FILE, FIRST_IMAGE_FILE),
      [file]: (text) => setImage(text, image, file),
      [DOCKERFILE]: (text) => text.replace(/^(ARG RUNTIME_IMAGE=[^@\n]+).*$/m, `$1@${base.split('@')[1] ?? ''}`),
    }),
  );
}

/** Has the stack read its own image file again. */
export async function standBack(stack: Stack): Promise<void> {
  await stack.delivered(
    await stack.push('The stack is local again', {
      [APPLICATION_SET]: (text) => replace(text, FIRST_IMAGE_FILE, OWN_IMAGE_FILE),
      [SOURCE]: (text) => text.replace(/(?<='invalid-request': ').*(?=')/, OLD_TEXT),
    }),
  );
}

/**
 * Merges a change of the service and follows it until every pod runs it. Call `standInForDev` before.
 * @param newText what the service answers from then on
 * @param folder an empty folder
 */
export async function release(owner: Owner, stack: Stack, newText: string, folder: string): Promise<Release> {
  const registry = registryAddress(stack.ports);
  const base = readServiceDockerfile(stack.instance.root).base.replace(/[:@].*$/, '');
  const [baseHost = '', ...baseName] = base.split('/');
  const scene = await openScene(owner, {
    ...{ origin: stack.gitURL, real: REAL, only: ['release'], trusts: trustsOfStacks(folder), registry },
    ...AWS_ENABLED,
    registries: [
      { host: ecrHost(stack), address: registry, account: ECR_ACCOUNT },
      { host: baseHost, address: registry, renamed: { from: baseName.join('/'), to: 'node' } },
    ],
  });
  const source = scene.read(SOURCE);
  const commit = scene.commit({ [SOURCE]: source.replace(/(?<='invalid-request': ').*(?=')/, newText) }, newText);
  const pods = followNewPods(stack, commit);
  let isOver = false;
  try {
    const start = Date.now();
    const answered = until(
      'an answer by the new code',
      async () => {
        if (isOver) throw new Error('the release is over');
        return answers(stack, newText);
      },
      600_000,
    );
    // The other one fails with what is wrong.
    answered.catch(() => undefined);
    const outcome = await scene.push();
    if (outcome.codes.release !== 0) throw new Error(`the release failed:\n${outcome.log}`);
    const answeredAt = await answered;
    scene.git('fetch', '--quiet');
    const [bump = '', parent = ''] = scene.git('log', '-1', '--format=%H %P', 'origin/main').split(' ');
    const file = imageFile(FIRST, APP);
    await stack.delivered({ commit: bump, parent, files: [file] });
    const events = { ...stepsOf(outcome), ...pods.seen(), 'new code answers': answeredAt, 'all pods new': Date.now() };
    const image = readImage(scene.git('show', `origin/main:${file}`), file);
    return { scene, outcome, commit, image, timeline: timelineOf(start, events), answeredAfter: answeredAt - start };
  } finally {
    isOver = true;
    pods.end();
  }
}

/** The registry's name in AWS. */
function ecrHost({ instance }: Stack): string {
  const { registry } = readCluster(instance.root, FIRST);
  return `${registry.accountId}.dkr.ecr.${registry.region}.amazonaws.com`;
}

/** When the new pods were first seen, and first ready. */
function followNewPods(stack: Stack, tag: string) {
  const seen: Record<string, number> = {};
  const end = followPods(stack.instance, stack.tools, APP, ({ image, isReady }) => {
    if (!image.includes(`:${tag}@`)) return;
    seen['Argo CD sync, first new pod'] ??= Date.now();
    if (isReady) seen['first new pod ready'] ??= Date.now();
  });
  return { seen: () => seen, end };
}

/** The time, where the front door answers with a text; undefined otherwise. */
async function answers(stack: Stack, wanted: string): Promise<number | undefined> {
  const body = await new Promise<string>((resolve) => {
    const options = {
      port: stack.ports['front-door'],
      path: '/v1/reserved-ranges?limit=none',
      headers: { host: HOST },
    };
    get({ host: '127.0.0.1', ...options }, (response) => {
      text(response).then(resolve, () => {
        resolve('');
      });
    }).on('error', () => {
      resolve('');
    });
  });
  return body.includes(wanted) ? Date.now() : undefined;
}

/** When the steps of the jobs that come before the pods ended. */
function stepsOf({ calls, happenedAt }: Outcome): Record<string, number> {
  const names: Readonly<Record<string, string>> = {
    'image install': 'set-up of the job `image`',
    'image sbom': 'bill of materials',
    'image scan': 'known vulnerabilities',
    'image ci-role': 'role on AWS',
    'image image': 'image built and pushed',
    'image image-scan': "ECR's findings",
    'bump install': 'set-up of the job `bump`',
    'bump bump': 'bump',
  };
  const steps: Record<string, number> = { 'push to main': happenedAt };
  for (const { job, make = '', endedAt } of calls) {
    const name = names[`${job} ${make}`];
    if (name !== undefined) steps[name] = endedAt;
  }
  return steps;
}

function timelineOf(start: number, events: Readonly<Record<string, number>>): Timeline {
  const timeline = new Timeline(start);
  let last = start;
  for (const [part, at] of Object.entries(events).sort(([, a], [, b]) => a - b)) {
    timeline.add(part, (at - last) / 1000);
    last = at;
  }
  return timeline;
}

function replace(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`the text has no ${from}`);
  return text.replaceAll(from, to);
}
