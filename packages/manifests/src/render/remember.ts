import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesObject } from '../kubernetes/object.ts';
import { valueFilesOf } from './chart.ts';
import { type Outcome, type Renderer, type RenderRequest, sourcesOf } from './renderer.ts';
import { filesBelow } from './tree.ts';

/**
 * The same renderer, which renders nothing twice, in whatever folder: a change in Git leaves most of the fleet as it was.
 */
export function rememberRenders(renderer: Renderer): Renderer {
  const known = new Map<string, Promise<Outcome<KubernetesObject[]>>>();
  return {
    ...renderer,
    render: async (folder, requests) => {
      const keys = requests.map((request) => inputsOf(folder, request));
      const fresh = new Map<string, RenderRequest>();
      for (const [index, request] of requests.entries()) {
        const key = keys[index] ?? '';
        if (!known.has(key)) fresh.set(key, request);
      }
      const rendering = renderer.render(folder, [...fresh.values()]);
      for (const [index, key] of [...fresh.keys()].entries())
        known.set(
          key,
          rendering.then((outcomes) => outcomes[index] ?? { ok: false, error: 'the renderer gave no answer' }),
        );
      return Promise.all(keys.map(async (key) => known.get(key) ?? { ok: false, error: 'never asked' }));
    },
  };
}

const results = new WeakMap<Outcome<KubernetesObject[]>, Map<string, unknown>>();

/**
 * A result that depends on nothing but what a render depends on: computed once for all fleets and clusters that share
 * the render.
 * @param name tells it from other results of the same render
 */
export function oncePerRender<T>(rendered: Outcome<KubernetesObject[]>, name: string, compute: () => T): T {
  const known = results.get(rendered) ?? new Map<string, unknown>();
  results.set(rendered, known);
  if (!known.has(name)) known.set(name, compute());
  return known.get(name) as T;
}

/** What a render depends on, as a hash: its request, the files below its sources' paths and its values files. */
function inputsOf(folder: string, request: RenderRequest): string {
  const hash = createHash('sha256').update(JSON.stringify(request));
  for (const source of sourcesOf(request.application)) {
    const below = source.path === undefined ? [] : filesBelow(folder, source.path);
    for (const file of [...below, ...valueFilesOf(source)])
      hash.update(`\0${file}\0`).update(contentOf(join(folder, file)));
  }
  return hash.digest('hex');
}

/** A file's bytes. A missing file equals a missing one; of one that cannot be read nothing is known. */
function contentOf(file: string): Uint8Array | string {
  if (!existsSync(file)) return 'missing';
  try {
    return readFileSync(file);
  } catch {
    return randomUUID();
  }
}
