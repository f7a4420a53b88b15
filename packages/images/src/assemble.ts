import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import type { ImageConfig } from './dockerfile.ts';

/** What the program `image` is asked for; packages/tools/go/images/image/main.go describes each field. */
export interface ImageOrder {
  readonly name: string;
  readonly tag: string;
  readonly also?: readonly string[];
  readonly base?: string;
  readonly platforms: readonly string[];
  readonly layers: readonly { readonly from: string; readonly to: string; readonly uncompressed?: boolean }[];
  readonly config: ImageConfig;
  readonly created: string;
  readonly registries?: Readonly<Record<string, string>>;
}

/** An image in a registry. */
export interface PushedImage {
  /** name:tag@digest */
  readonly reference: string;
  readonly digest: string;
  /** The base image, name@digest; undefined without one. */
  readonly base?: string;
  /** How long each part took. */
  readonly seconds: { readonly assemble: number; readonly push: number };
}

/**
 * Assembles an image and pushes it, without a daemon. The same order gives the same digest.
 * @param bin the folder of the programs
 * Throws CommandError when the base image or a file is missing, the registry refuses or fails, or the tag names another
 * image; the tag does not exist then, or is as it was.
 */
export async function assemble(bin: string, order: ImageOrder): Promise<PushedImage> {
  try {
    return JSON.parse(await run(join(bin, 'image'), [], { input: JSON.stringify(order) })) as PushedImage;
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    const problem = error.stderr.trim().replace(/^error: /, '');
    throw new CommandError(problem, adviceFor(problem));
  }
}

function adviceFor(problem: string): string {
  if (problem.includes('a tag is never moved')) return 'choose another TAG';
  if (/\b40[13]\b|UNAUTHORIZED|DENIED/.test(problem))
    return 'log in (`docker login`), or set REGISTRY_USERNAME and REGISTRY_PASSWORD';
  return 'nothing was tagged; check the registry and run the command again';
}
