// Placeholder until the real one is written; registry.ts uses these two names.
export const lifecyclePolicy = (clusters: readonly string[]): object => ({ rules: [{ rulePriority: 1, description: clusters.join(), selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 5 }, action: { type: 'expire' } }] });
export const tagMutability = (): { imageTagMutability: string } => ({ imageTagMutability: 'IMMUTABLE' });
