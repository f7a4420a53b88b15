import { type Program, runProgram } from '@gitops/report/command-line';

export const program: Program = {
  file: 'packages/manifests/src/main.ts',
  summary: 'What Git would deploy: rendered, checked, explained and compared, without a cluster.',
  commands: {
    charts: () => import('./commands/charts.ts'),
    check: () => import('./commands/check.ts'),
    diff: () => import('./commands/diff.ts'),
    render: () => import('./commands/render.ts'),
    explain: () => import('./commands/explain.ts'),
    capacity: () => import('./commands/capacity.ts'),
    flows: () => import('./commands/flows.ts'),
    'chart-readme': () => import('./commands/chart-readme.ts'),
  },
  environment: { REQUIRE_CHARTS: '1 makes a missing or unverified upstream chart an error, as in CI' },
};

if (import.meta.main) await runProgram(program);
