import { resolve } from 'node:path';
import { command } from '@gitops/report/command-line';
import { table } from '@gitops/report/table';
import { declaredResources } from '../cost.ts';
import { readStack, synth } from '../workspace.ts';

export default command({
  summary: 'write every stack of every cluster to platform/cdktf.out',
  options: {},
  without: { cluster: 'it writes the stacks of every cluster', stack: 'it writes every stack' },
  run: async ({ json, print }) => {
    const stacks = await synth();
    const rows = stacks.map((stack) => {
      const { provider, ...rest } = readStack(stack);
      const [aws] = provider.aws;
      return {
        ...stack,
        account: aws?.allowed_account_ids[0] ?? '',
        region: aws?.region ?? '',
        resources: declaredResources(rest).length,
      };
    });
    if (json) {
      print(JSON.stringify(rows, null, 2));
      return;
    }
    const cells = rows.map(({ name, account, region, resources, after }) => [
      name,
      account,
      region,
      String(resources),
      after.join(', ') || '-',
    ]);
    print(table(['STACK', 'ACCOUNT', 'REGION', 'RESOURCES', 'AFTER'], cells));
    print(`\nwritten to ${resolve(stacks[0]?.folder ?? '', '..')}`);
  },
});
