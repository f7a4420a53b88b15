import { command } from '@gitops/report/command-line';
import { text } from '@gitops/report/options';
import { progressTo } from '@gitops/report/progress';
import { chartsCommand } from '@gitops/tools/charts';
import { ensureTools } from '@gitops/tools/tools';
import { repositoryAbove } from '../render/repository.ts';

export default command({
  summary: 'fetch the upstream charts that argocd/ names by `helm pull`, and check their sums',
  options: {
    from: text('a folder with archives (name-version.tgz) or chart folders, in place of the repositories', {
      placeholder: 'FOLDER',
    }),
  },
  run: async ({ options, json, print }) => {
    const { bin } = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });
    const result = await chartsCommand(repositoryAbove(process.cwd()), { helm: `${bin}/helm`, from: options.from });
    print(json ? JSON.stringify(result.charts) : result.text);
    if (result.failure !== undefined) throw result.failure;
  },
});
