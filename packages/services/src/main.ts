import { type Program, runProgram } from '@gitops/report/command-line';

export const program: Program = {
  file: 'packages/services/src/main.ts',
  summary: 'Adds a service to the fleet, and removes it: in the work tree alone.',
  commands: { service: () => import('./commands/service.ts') },
};

if (import.meta.main) await runProgram(program);
