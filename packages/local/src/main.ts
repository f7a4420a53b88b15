import { type Program, runProgram } from '@gitops/report/command-line';

export const program: Program = {
  file: 'packages/local/src/main.ts',
  summary: 'A real Kubernetes and a real Argo CD on this machine.',
  commands: {
    up: () => import('./commands/up.ts'),
    status: () => import('./commands/status.ts'),
    logs: () => import('./commands/logs.ts'),
    env: () => import('./commands/env.ts'),
    down: () => import('./commands/down.ts'),
    deploy: () => import('./commands/deploy.ts'),
    ship: () => import('./commands/ship.ts'),
    rollback: () => import('./commands/rollback.ts'),
    resume: () => import('./commands/resume.ts'),
    backup: () => import('./commands/backup.ts'),
    restore: () => import('./commands/restore.ts'),
    monitoring: () => import('./commands/monitoring.ts'),
    image: () => import('./commands/image.ts'),
    tools: () => import('./commands/tools.ts'),
  },
  environment: {
    PLATFORM_LOCAL_SIMULATED: 'all pods are simulated, as elsewhere than on Linux; any value',
    PLATFORM_LOCAL_DIR: 'the folder of the state, in place of .local; another folder is another machine',
    REQUIRE_CHARTS: '1 makes a missing or unverified upstream chart an error (command tools)',
  },
  advice: 'run the command again; `make status` shows what runs, .local/logs has the logs',
  afterInterrupt: 'processes keep running. Run the same command again to continue, or `make down` to end all of them.',
};

if (import.meta.main) await runProgram(program);
