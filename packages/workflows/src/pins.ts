// Every action of others that a workflow may use: its version, and the commit that this version's tag named when it was
// reviewed. Renovate raises both, here and in .github, in one pull request.
export const PINS: Readonly<Record<string, { readonly version: string; readonly commit: string }>> = {
  'actions/attest': { version: 'v4.2.2', commit: '1e69f48acb82d1966a394da916b4c1698aa569d6' },
  'actions/attest-build-provenance': { version: 'v4.1.0', commit: 'a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32' },
  'actions/cache': { version: 'v5.0.5', commit: '27d5ce7f107fe9357f9df03efb73ab90386fccae' },
  'actions/checkout': { version: 'v7.0.1', commit: '3d3c42e5aac5ba805825da76410c181273ba90b1' },
  'actions/setup-go': { version: 'v7.0.0', commit: 'b7ad1dad31e06c5925ef5d2fc7ad053ef454303e' },
  'aws-actions/amazon-ecr-login': { version: 'v2.1.7', commit: '03f1aad4c6c7ffd436567f42f9384779290529bd' },
  'aws-actions/configure-aws-credentials': { version: 'v6.2.3', commit: 'e6de054238d6b7531b4efff3b6587d9aade6a06c' },
};
