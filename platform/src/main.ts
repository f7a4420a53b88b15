import { type Program, runProgram } from '@gitops/report/command-line';

export const program: Program = {
  file: 'platform/src/main.ts',
  summary: 'The platform on AWS: VPC, registry, EKS and Argo CD.',
  commands: {
    synth: () => import('./commands/synth.ts'),
    plan: () => import('./commands/plan.ts'),
    drift: () => import('./commands/drift.ts'),
    apply: () => import('./commands/apply.ts'),
    unlock: () => import('./commands/unlock.ts'),
    cost: () => import('./commands/cost.ts'),
    kubeconfig: () => import('./commands/kubeconfig.ts'),
    'ci-role': () => import('./commands/ci-role.ts'),
    image: () => import('./commands/image.ts'),
    'migrate-state': () => import('./commands/migrate-state.ts'),
    destroy: () => import('./commands/destroy.ts'),
  },
  environment: {
    'AWS_*': 'credentials and region, as the SDKs of AWS read them',
    TOFU: 'the program to run in place of the OpenTofu that is built here, for instance terraform',
    CDKTF_OUTDIR: "where the stacks are written; set by CDKTF's own command line",
  },
};

if (import.meta.main) await runProgram(program);
