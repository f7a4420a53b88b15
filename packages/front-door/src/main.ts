import { type Program, runProgram } from '@gitops/report/command-line';

export const program: Program = {
  file: 'packages/front-door/src/main.ts',
  summary:
    "The front door of the local cluster: a simulated AWS load balancer, with its controller, on this machine's loopback.",
  commands: {
    serve: () => import('./commands/serve.ts'),
  },
};

if (import.meta.main) await runProgram(program);
