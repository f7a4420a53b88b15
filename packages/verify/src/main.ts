import { type Program, runProgram } from '@gitops/report/command-line';

export const program: Program = {
  file: 'packages/verify/src/main.ts',
  summary: 'The tests of the whole repository, and what is known about the packages of the service.',
  commands: {
    unit: () => import('./commands/unit.ts'),
    test: () => import('./commands/test.ts'),
    soak: () => import('./commands/soak.ts'),
    sbom: () => import('./commands/sbom.ts'),
    scan: () => import('./commands/scan.ts'),
    'image-scan': () => import('./commands/image-scan.ts'),
  },
  environment: {
    KEEP_DRILLS: 'keeps the logs and the state of the drills; any value',
    REQUIRE_CHARTS: '1 makes a missing or unverified upstream chart an error, as in CI',
  },
};

if (import.meta.main) await runProgram(program);
