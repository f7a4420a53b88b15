import { type Program, runProgram } from '@gitops/report/command-line';

export const program: Program = {
  file: 'packages/load/src/main.ts',
  summary: 'Load on the service, here or elsewhere, judged by its objectives.',
  commands: {
    load: () => import('./commands/load.ts'),
  },
  environment: {
    PLATFORM_LOCAL_DIR: 'the folder of the state, in place of .local; pictures are in load/ there',
  },
  advice: 'run the command again; `make status` shows what runs',
};

if (import.meta.main) await runProgram(program);
