import { readYamlFile } from '@gitops/settings/yaml-file';
import { metricsOf } from './exported.ts';

/**
 * What a file of exported/ records and a real component does not export: the file is of another version, or the
 * component had nothing to count yet. A drill asks this of the components that run.
 * @param root the repository's folder
 * @param file packages/monitoring/exported/argocd.yaml
 * @param answers what the component's processes answer to GET /metrics
 */
export function notExported(root: string, file: string, answers: readonly string[]): string[] {
  const real = metricsOf(answers.join('\n'));
  const { metrics } = readYamlFile(root, file).content as {
    readonly metrics: Readonly<Record<string, readonly string[]>>;
  };
  const problems: string[] = [];
  for (const [metric, labels] of Object.entries(metrics)) {
    const found = real.get(metric);
    const missing = labels.filter((label) => found?.has(label) === false);
    if (found === undefined) problems.push(`${file}: metrics.${metric}: not exported`);
    if (missing.length > 0) problems.push(`${file}: metrics.${metric}: has no label ${missing.join(', ')}`);
  }
  return problems;
}
