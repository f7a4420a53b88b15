import { configMaps } from '../../kubernetes/workload.ts';
import { problem, type Rule, seen } from './rule.ts';

const text: Rule = {
  name: 'configuration-is-text',
  intent: 'A ConfigMap holds only strings: the API server refuses an unquoted yes or 8080.',
  check: (objects) =>
    configMaps(objects).flatMap((map) =>
      Object.entries(map.data ?? {})
        .filter(([, value]) => typeof value !== 'string')
        .map(([key, value]) => problem(map, `data.${key}`, `must be a string ${seen(value)}`)),
    ),
};

export const configurationRules: Rule[] = [text];
