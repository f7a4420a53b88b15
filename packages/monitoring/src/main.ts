import { type Program, runProgram } from '@gitops/report/command-line';

export const program: Program = {
  file: 'packages/monitoring/src/main.ts',
  summary: 'Dashboards: written for Grafana, and drawn here from what a Prometheus knows.',
  commands: {
    dashboards: () => import('./commands/dashboards.ts'),
    dash: () => import('./commands/dash.ts'),
  },
  environment: {
    PLATFORM_LOCAL_DIR: 'the folder of the state, in place of .local; the page is dash.html there',
  },
  advice: 'run the command again; `make status` shows what runs',
};

if (import.meta.main) await runProgram(program);
