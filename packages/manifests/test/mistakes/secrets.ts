import type { Mistake } from './slip.ts';
import { after, before, inFile, replace } from './slip.ts';

const argocd = 'clusters/production/argocd.yaml';

/** Secrets in Git: by their names, by their form, and in texts within texts. */
export const SECRETS: readonly Mistake[] = [
  inFile(argocd, {
    'a client secret among Argo CD’s secrets': before(
      'notifications:',
      'configs:\n  secret:\n    extra:\n      oidc.clientSecret: hunter2',
    ).reports(/configs\.secret\.extra\.oidc\.clientSecret: has the name of a secret; a secret comes from/),
    'a client secret in text within text': before(
      'notifications:',
      'configs:\n  cm:\n    oidc.config: |\n      name: SSO\n      issuer: https://sso.example.com\n      clientID: argocd\n      clientSecret: hunter2',
    ).reports(/configs\.cm\.oidc\.config\.clientSecret: has the name of a secret/),
    'the hash of a password': before(
      'notifications:',
      'configs:\n  secret:\n    argocdServerAdminPassword: $2a$10$rRyBsGSHK6.uc8fntPwVIuLVHgsAhAX7TcdrqW/RADU0uh7CaChLa',
    ).reports(/configs\.secret\.argocdServerAdminPassword: has the hash of a password/),
  }),
  inFile(
    argocd,
    {
      'a secret of a webhook without a name that says so': before(
        'notifications:',
        'configs:\n  secret:\n    githubSecret: hunter2',
      ).reports(/configs\.secret\.githubSecret: /),
    },
    'argo-cd',
  ),
  inFile('argocd/values.yaml', {
    'the address of a webhook with its key': replace(
      'url: $webhook-url',
      'url: https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX',
    ).reports(/notifications\.notifiers\.service\.webhook\.receiver\.url: has the address of a Slack webhook/),
  }),
  inFile('argocd/applications/fastify-service.yaml', {
    'a secret as a parameter': after(
      '          parameters:',
      '            - name: externalSecret.token',
      '              value: hunter2',
    ).reports(/.*token: has the name of a secret/),
  }),
  inFile('clusters/shared/monitoring.yaml', {
    'the address of a receiver with its key': replace(
      '{ secretKey: page-url }',
      '{ secretKey: page-url, url: https://me:hunter2@example.com/ }',
    ).reports(/.*has an address with a password/),
  }),
  inFile('charts/fastify-service/templates/configmap.yaml', {
    'a private key in a template': after('\ndata:', '  tls.key: |', '    -----BEGIN PRIVATE KEY-----').reports(
      /.*has a private key/,
    ),
  }),
  inFile(
    'clusters/shared/kube-prometheus-stack.yaml',
    {
      'a password of Grafana': after('  grafana.ini:', '    security.more:', '      admin_password: hunter2').reports(
        /grafana\.grafana\.ini\.security\.more\.admin_password: has the name of a secret/,
      ),
    },
    'kube-prometheus-stack',
  ),
].flat();
