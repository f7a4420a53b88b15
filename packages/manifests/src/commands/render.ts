import { command } from '@gitops/report/command-line';
import { withoutSecrets } from '../kubernetes/secret-values.ts';
import { toYaml } from '../kubernetes/yaml.ts';
import { labelOf } from '../render/fleet.ts';
import { missingChartOf } from '../render/unchecked.ts';
import { appOption, clusterOption, selected, withWorkspace } from './workspace.ts';

export default command({
  summary: 'show what Argo CD would apply, without secrets, as YAML, rendered by its own code',
  options: { cluster: clusterOption, app: appOption },
  run: async ({ options, json, print, fail }) =>
    withWorkspace(async (workspace) => {
      const applications = await selected(workspace, options);
      const rows: object[] = [];
      const failures: string[] = [];
      for (const entry of applications) {
        const { cluster, application, rendered } = entry;
        const shown = rendered.ok ? { ...rendered, value: rendered.value.map(withoutSecrets) } : rendered;
        rows.push({ cluster: cluster.name, application: application.metadata.name, ...shown });
        if (missingChartOf(entry) !== undefined) continue;
        if (!shown.ok) failures.push(`error: ${labelOf(entry)}: ${shown.error}`);
        else if (!json)
          for (const object of shown.value) print(`---\n# ${labelOf(entry)}\n${toYaml(object).trimEnd()}`);
      }
      if (json) print(JSON.stringify(rows, null, 2));
      if (failures.length > 0) fail(`${failures.join('\n')}\n next: \`make check\` names the file and the line`);
    }),
});
