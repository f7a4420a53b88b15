import { type Program, runProgram } from '@gitops/report/command-line';
import { ARGOCD_ENVIRONMENT } from './argocd.ts';
import { ENVIRONMENT } from './clone.ts';

export const program: Program = {
  file: 'packages/delivery/src/main.ts',
  summary: 'What CI writes to Git and to pull requests, and what Git says about deployments.',
  commands: {
    bump: () => import('./commands/bump.ts'),
    promote: () => import('./commands/promote.ts'),
    promotions: () => import('./commands/promotions.ts'),
    history: () => import('./commands/history.ts'),
    comment: () => import('./commands/comment.ts'),
    triggers: () => import('./commands/triggers.ts'),
  },
  environment: {
    ...ENVIRONMENT,
    GITHUB_REF: 'refs/pull/NUMBER/merge, as in CI (command comment)',
    ...ARGOCD_ENVIRONMENT,
  },
  advice: 'nothing was pushed; run the command again',
};

if (import.meta.main) await runProgram(program);
