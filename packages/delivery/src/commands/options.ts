import { text } from '@gitops/report/options';
import { FIRST_SERVICE } from '@gitops/settings/services';
import { imageProblem, platformsProblem, tagProblem } from '../image-file.ts';
import { commitProblem } from '../sources.ts';

export const DEFAULT_APPLICATION = FIRST_SERVICE;

const NAME = /^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/;

/** The rule that the name of a cluster or an application breaks; undefined when it breaks none. */
export const nameProblem = (name: string): string | undefined =>
  NAME.test(name) ? undefined : `must be lower-case letters, digits and dashes (it is ${JSON.stringify(name)})`;

const named = (example: string) => ({ placeholder: 'NAME', example, problem: nameProblem });
const required = { isRequired: true } as const;

export const clusterOption = text('a cluster, by its folder below clusters/', named('dev'));
export const requiredClusterOption = text('a cluster, by its folder below clusters/', { ...named('dev'), ...required });
export const fromOption = text('the cluster that runs the image', { ...named('staging'), ...required });
export const toOption = text('the cluster that gets it', { ...named('production'), ...required });
export const appOption = text(`an application; ${DEFAULT_APPLICATION} by default`, named(DEFAULT_APPLICATION));

const tag = { placeholder: 'TAG', example: '0.2.0', problem: tagProblem };
const digest = {
  placeholder: 'DIGEST',
  example: `sha256:${'0123456789abcdef'.repeat(4)}`,
  problem: (given: string): string | undefined => imageProblem({ tag: 'any', digest: given })?.rule,
};

export const tagOption = text('the tag of the image', tag);
export const requiredTagOption = text('the tag of the image', { ...tag, ...required });
export const digestOption = text('the digest of an image that FROM ran; by default of the one that it runs', digest);
export const requiredDigestOption = text('the digest of the image', { ...digest, ...required });

export const platformsOption = text(
  'what the image was built for, as `make image` says; without it no cluster with other nodes than amd64 passes `make check`',
  {
    placeholder: 'PLATFORMS',
    example: 'linux/amd64,linux/arm64',
    problem: (given) => platformsProblem(given.split(',')),
  },
);

export const commitOption = text('the commit of main that the image was built from; by default HEAD of the clone', {
  placeholder: 'COMMIT',
  problem: commitProblem,
});
