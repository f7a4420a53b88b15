import type { Mistake } from './slip.ts';
import { after, at, inFile, remove, replace } from './slip.ts';

const settings = 'clusters/production/cluster.yaml';
const applications = 'argocd/applications/fastify-service.yaml';
const projects = 'argocd/projects/templates/services.yaml';

export const ARGOCD: readonly Mistake[] = [
  // Settings of a cluster
  inFile(settings, {
    'an account without quotes': replace('accountId: "333333333333"', 'accountId: 033333333333').reports(
      /accountId: 033333333333 must be quoted/,
    ),
    'an account with a digit too few': replace('"333333333333"', '"33333333333"').reports(/accountId: invalid value/),
    'a zone of another region': replace('us-east-1c', 'eu-west-1c').reports(/network\.zones/),
    'the name of another cluster': replace('name: production', 'name: staging').reports(
      /name: must be the folder's name/,
    ),
    'an unknown instance type': replace('t3.medium', 't3.medum').reports(/nodeGroup.*t3\.medum/),
    'a freeze of a month that is none': replace('0 18 19 12 *', '0 18 19 13 *').reports(
      /freezes\.0\.schedule: end of range \(13\) above maximum \(12\): 13 \(it is "0 18 19 13 \*"\)/,
    ),
    'a freeze of a day that never comes': replace('0 18 19 12 *', '0 18 30 2 *').reports(
      /freezes\.0\.schedule: never comes/,
    ),
    'a freeze in an unknown time zone': replace('America/New_York', 'America/NewYork').reports(
      /freezes\.0\.timeZone: unknown time zone/,
    ),
    'a freeze of two weeks in words': replace('duration: 384h', 'duration: 2 weeks').reports(
      /freezes\.0\.duration: invalid value/,
    ),
    'a freeze that never ends': replace('0 18 19 12 *', '0 18 * * *').reports(
      /freezes\.0\.duration: deploys nothing for \d+ days .*at most 31 \(it is "384h"\)/,
    ),
    'a VPC that cannot hold its subnets': replace('10.2.0.0/16', '10.2.0.0/20').reports(/network\.cidr/),
  }),
  inFile('clusters/shared/cluster.yaml', {
    'a version of Kubernetes without quotes': replace('"1.36"', '1.36').reports(/kubernetesVersion: must be string/),
  }),

  // What Argo CD reads
  inFile(applications, {
    'a values file that is not there': replace(
      '- /clusters/shared/fastify-service.yaml',
      '- /clusters/shared/fastify.yaml',
    ).reportsAs(
      at(
        'clusters/shared/fastify.yaml:1',
        /the file: does not exist; argocd\/applications\/fastify-service\.yaml names it/,
      ),
    ),
    'a values file that nothing names': remove(
      '            - /clusters/{{ .metadata.labels.cluster }}/fastify-service.yaml\n',
    ).reportsAs(at('clusters/production/fastify-service.yaml:1', /the file: no Application reads it/)),
    'a fact that the cluster does not have': replace(
      '.metadata.annotations.imageRegistry',
      '.metadata.annotations.registry',
    ).reports(/.*registry/),
    'a path that is not there': replace('path: charts/fastify-service', 'path: charts/fastify').reports(
      /.*charts\/fastify/,
    ),
    'a folder that a push would not refresh': remove('/charts/fastify-service;').reportsAtTop(
      /.*must name charts\/fastify-service/,
    ),
    'a project that is not there': replace('project: services', 'project: default').reportsAtTop(
      /spec\.project: unknown AppProject default/,
    ),
    'a field that an ApplicationSet does not have': replace('applicationsSync:', 'applicationSync:').reports(
      /.*applicationSync: unknown field/,
    ),
    'a failed sync that is tried without end': replace('limit: 5', 'limit: -1').reportsAtTop(
      /spec\.syncPolicy\.retry\.limit: must be 3 or more \(it is -1\)/,
    ),
    'a retry that does not take a fix': replace('refresh: true', 'refresh: false').reportsAtTop(
      /spec\.syncPolicy\.retry\.refresh: must be true/,
    ),
    'a key twice in an ApplicationSet': after('  goTemplate: true', '  goTemplate: false').reports(
      /the file: .*unique/,
    ),
  }),
  inFile(projects, {
    'a kind that the project does not allow': remove(
      '    - { group: networking.k8s.io, kind: NetworkPolicy }\n',
    ).reportsAs(/networkpolicy\.yaml:\d+: .*AppProject services does not allow networking\.k8s\.io\/NetworkPolicy/),
  }),
  inFile('argocd/projects/templates/services.yaml', {
    'a grant that nothing uses': after(
      '    - { group: apps, kind: Deployment }',
      '    - { group: batch, kind: CronJob }',
    ).reports(/AppProject\/services spec\.namespaceResourceWhitelist: no Application of it renders batch\/CronJob/),
  }),

  // Argo CD's own settings; all others are in test/proofs/argocd-settings.test.ts
  inFile('argocd/values.yaml', {
    'on-call may not sync any more': remove('      p, role:on-call, applications, sync, */*, allow\n').reports(
      /configs\.rbac\.policy\.csv: role:on-call may no longer sync .*argocd\/rights\.yaml:\d+ promises/,
    ),
    'on-call may switch auto-sync of services alone': replace(
      'toggle-auto-sync, */*, allow',
      'toggle-auto-sync, services/*, allow',
    ).reports(/configs\.rbac\.policy\.csv: role:on-call may no longer switch auto-sync off and on .*root\/root/),
    'on-call may sync another revision': after(
      'p, role:on-call, logs, get, */*, allow',
      '      p, role:on-call, applications, override, services/*, allow',
    ).reports(/configs\.rbac\.policy\.csv: role:on-call may sync another revision.*rights\.yaml:\d+ does not say/),
    'developers may do what the platform team may': after(
      'p, role:developer, logs, get, */*, allow',
      '      g, role:developer, role:platform',
    ).reports(/configs\.rbac\.policy\.csv: role:developer may .*rights\.yaml:\d+ does not say/),
    'a right without a comma': replace('role:on-call, applications, sync', 'role:on-call, applications sync').reports(
      /configs\.rbac\.policy\.csv: .* is no line of a policy/,
    ),
    'a duration that Argo CD cannot read': replace('300s', '5min').reports(/configs\.cm\.timeout\.reconciliation: /),
    'Lua that does not parse': replace('obj.status ~= nil', 'obj.status != nil').reports(
      /configs\.cm\..*Invalid token/,
    ),
  }),
].flat();
