import type { Mistake } from './slip.ts';
import { after, inFile, remove, replace } from './slip.ts';

// What Argo CD makes of Git: switches, waves, options, projects. Most of it Argo CD takes without a word.

const set = 'argocd/applications/fastify-service.yaml';
const SERVICE = /dev\/root ApplicationSet\/fastify-service /;
const ofSet = (rule: RegExp): RegExp => new RegExp(SERVICE.source + rule.source);
const SWITCH = '        - /spec/syncPolicy/automated/enabled\n';

export const SEMANTICS: readonly Mistake[] = [
  // Why a rollback stays
  inFile(set, {
    "on-call's switch given to Git": remove(`  ignoreApplicationDifferences:\n    - jsonPointers:\n${SWITCH}`).reports(
      ofSet(
        /spec\.ignoreApplicationDifferences: must be exactly .*\(also local\/root, production\/root, staging\/root\)$/,
      ),
    ),
    'more than the switch left to the cluster': replace(SWITCH, `${SWITCH}        - /spec/source\n`).reports(
      ofSet(/spec\.ignoreApplicationDifferences: must be exactly .*\/spec\/source/),
    ),
    'the switch of one Application alone': replace(
      `    - jsonPointers:\n${SWITCH}`,
      `    - name: other\n      jsonPointers:\n  ${SWITCH}`,
    ).reports(ofSet(/spec\.ignoreApplicationDifferences: must be exactly /)),
    'the switch written in Git': after('          selfHeal: true', '          enabled: true').reports(
      ofSet(/spec\.template\.spec\.syncPolicy\.automated\.enabled: must be absent/),
    ),
    'the switch written by a patch': replace(
      '  template:\n',
      '  templatePatch: |\n    spec: { syncPolicy: { automated: { enabled: true } } }\n  template:\n',
    ).reports(ofSet(/spec\.templatePatch: must be absent/)),
    'auto-sync taken out': remove('        automated:\n          prune: true\n          selfHeal: true\n').reports(
      ofSet(/spec\.template\.spec\.syncPolicy\.automated: missing: nothing that is merged/),
    ),
    'changes by hand that stay': replace('selfHeal: true', 'selfHeal: false').reports(
      ofSet(/spec\.template\.spec\.syncPolicy\.automated\.selfHeal: must be true \(it is false\)/),
    ),
  }),
  inFile('argocd/root/templates/application.yaml', {
    "root's own switch written in Git": after('      selfHeal: true', '      enabled: true').reports(
      /.*Application\/root spec\.syncPolicy\.automated\.enabled: must be absent/,
    ),
  }),

  // What runs outlives its ApplicationSet
  inFile(set, {
    'Applications that go with their generator': replace('create-update', 'sync').reports(
      ofSet(/spec\.syncPolicy\.applicationsSync: must be create-update.*\(it is sync\)/),
    ),
    'objects that go with their ApplicationSet': remove('    preserveResourcesOnDeletion: true\n').reports(
      ofSet(/spec\.syncPolicy\.preserveResourcesOnDeletion: must be true/),
    ),
    'a finalizer': after(
      '      name: fastify-service\n      namespace: argocd',
      '      finalizers: [resources-finalizer.argocd.argoproj.io]',
    ).reports(ofSet(/spec\.template\.metadata\.finalizers: must be absent/)),
  }),
  inFile('argocd/applications/previews.yaml', {
    'previews that stay': replace('applicationsSync: sync', 'applicationsSync: create-update').reports(
      /.*spec\.syncPolicy\.applicationsSync: must be sync/,
    ),
  }),
  inFile('argocd/values.yaml', {
    'a policy for all ApplicationSets': after(
      '    applicationsetcontroller.enable.progressive.syncs: "true"',
      '    applicationsetcontroller.policy: sync',
    ).reports(/configs\.params\.applicationsetcontroller\.policy: must be absent/),
  }),

  // Waves, options and hooks
  inFile(set, {
    'a wave without quotes': replace('sync-wave: "1"', 'sync-wave: 1').reports(
      ofSet(/metadata\.annotations\.argocd\.argoproj\.io\/sync-wave: must be text, in quotes \(it is 1\)/),
    ),
    'a wave in words': replace('sync-wave: "1"', 'sync-wave: last').reports(
      ofSet(/metadata\.annotations\.argocd\.argoproj\.io\/sync-wave: must be a whole number/),
    ),
    'a service before its controllers': replace('sync-wave: "1"', 'sync-wave: "0"').reports(
      ofSet(/metadata\.annotations\.argocd\.argoproj\.io\/sync-wave: must be 1 or more, after the controllers/),
    ),
    'an annotation of the template without quotes': after('      annotations:', '        retries: 3').reports(
      /.*ApplicationSet\/fastify-service: spec\.template\.metadata\.annotations\.retries: must be string \(it is 3\)/,
    ),
    'a sync option that does not exist': replace('ServerSideApply=true', 'ServerSideApplies=true').reports(
      ofSet(/spec\.template\.spec\.syncPolicy\.syncOptions: unknown option ServerSideApplies=true/),
    ),
  }),
  inFile('argocd/projects/templates/services.yaml', {
    'a wave of a template without quotes': replace('sync-wave: "-1"', 'sync-wave: -1').reports(
      /.*AppProject\/services metadata\.annotations\.argocd\.argoproj\.io\/sync-wave: must be text, in quotes/,
    ),
    'an object that would be pruned after all': replace('Prune=false', 'Prune=no').reports(
      /.*AppProject\/services metadata\.annotations\.argocd\.argoproj\.io\/sync-options: unknown option Prune=no/,
    ),
    'an annotation of Argo CD that does not exist': replace('compare-options', 'compare-option').reports(
      /.*argocd\.argoproj\.io\/compare-option: unknown annotation/,
    ),
  }),

  // Projects
  inFile(set, {
    'another cluster': replace('server: https://kubernetes.default.svc', 'server: https://10.0.0.1').reportsAtTop(
      /spec\.destination\.server: AppProject services allows only https:\/\/kubernetes\.default\.svc \(it is https:\/\/10\.0\.0\.1\)/,
    ),
    'a project that does not exist': replace('project: services', 'project: service').reportsAtTop(
      /spec\.project: unknown AppProject service/,
    ),
  }),
  inFile('argocd/projects/templates/argocd.yaml', {
    "a namespace that root's project lacks": after(
      '    - { group: apps, kind: ReplicaSet }',
      '---',
      'apiVersion: v1',
      'kind: Namespace',
      'metadata:',
      '  name: batch-jobs',
    ).reports(
      /dev\/root Namespace\/batch-jobs kind: AppProject root does not allow Namespace.*run `make apply` for each cluster before this is merged/,
    ),
  }),

  // Argo CD behind a load balancer
  inFile(
    'clusters/production/argocd.yaml',
    {
      'HTTP to a server that redirects to HTTPS': replace(
        'server:\n',
        'server:\n  ingress:\n    enabled: true\n    ingressClassName: alb\n    annotations:\n' +
          '      alb.ingress.kubernetes.io/target-type: ip\n      alb.ingress.kubernetes.io/healthcheck-path: /healthz\n' +
          '      alb.ingress.kubernetes.io/backend-protocol: HTTP\n',
      ).reports(/.*backend-protocol\]: must be HTTPS, since configs\.params "server\.insecure" is false/),
      'HTTPS to a server without TLS': replace(
        'server:\n',
        'configs:\n  params:\n    server.insecure: true\nserver:\n  ingress:\n    enabled: true\n    ingressClassName: alb\n' +
          '    annotations:\n      alb.ingress.kubernetes.io/target-type: ip\n' +
          '      alb.ingress.kubernetes.io/healthcheck-path: /healthz\n      alb.ingress.kubernetes.io/backend-protocol: HTTPS\n',
      ).reports(/.*backend-protocol\]: must be HTTP, since configs\.params "server\.insecure" is true/),
      'a class that no controller has': replace(
        'server:\n',
        'server:\n  ingress:\n    enabled: true\n    ingressClassName: nginx\n    annotations:\n' +
          '      alb.ingress.kubernetes.io/target-type: ip\n      alb.ingress.kubernetes.io/healthcheck-path: /healthz\n' +
          '      alb.ingress.kubernetes.io/backend-protocol: HTTPS\n',
      ).reports(/server\.ingress\.ingressClassName: must name an IngressClass of the cluster: there is alb/),
      'targets that are nodes': replace(
        'server:\n',
        'server:\n  ingress:\n    enabled: true\n    ingressClassName: alb\n    annotations:\n' +
          '      alb.ingress.kubernetes.io/target-type: instance\n      alb.ingress.kubernetes.io/healthcheck-path: /healthz\n' +
          '      alb.ingress.kubernetes.io/backend-protocol: HTTPS\n',
      ).reports(/.*target-type\]: must be ip/),
    },
    'argo-cd',
  ),
].flat();
