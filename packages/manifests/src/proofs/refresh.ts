import { type FleetApplication, labelOf } from '../render/fleet.ts';
import { valueFilesRead } from '../render/unchecked.ts';
import { applicationProblem } from './location.ts';
import type { ProofContext } from './proof.ts';

const GENERATE_PATHS = 'argocd.argoproj.io/manifest-generate-paths';

/** Files that an Application reads and its annotation does not name: Argo CD would not notice a push to them. */
export function unnoticedFiles(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const found: string[] = [];
  for (const entry of fleet) {
    const paths = (entry.application.metadata.annotations?.[GENERATE_PATHS] ?? '')
      .split(';')
      .map((path) => path.trim().replace(/^\//, ''));
    const isNamed = (file: string): boolean =>
      paths.some((path) => path !== '' && (file === path || file.startsWith(`${path}/`)));
    for (const file of filesReadBy(entry)) {
      const rule = `must name ${file}, which ${labelOf(entry)} reads; a push to it would go unnoticed`;
      if (!isNamed(file)) found.push(applicationProblem(root, entry, GENERATE_PATHS, rule));
    }
  }
  return found;
}

function filesReadBy(entry: FleetApplication): readonly string[] {
  const { chart } = entry;
  return chart?.isUpstream === false ? [chart.name, ...valueFilesRead(entry)] : valueFilesRead(entry);
}
