import type { Mistake } from './slip.ts';
import { after, at, inFile, remove, replace, shared } from './slip.ts';

const settings = 'clusters/production/cluster.yaml';
const applications = 'argocd/applications/fastify-service.yaml';
const projects = 'argocd/projects/templates/services.yaml';

export const ARGOCD: readonly Mistake[] = [
  // Settings of a cluster
  inFile(settings, {
    'an account without quotes': replace('accountId: "333333333333"', 'accountId: 033333333333').told(
      /accountId: 033333333333 must be quoted/,
    ),
    'an account with a digit too few': replace('"333333333333"', '"33333333333"').told(/accountId: invalid value/),
    'a zone of another region': replace('us-east-1c', 'eu-west-1c').told(/network\.zones/),
    'the name of another cluster': replace('name: production', 'name: staging').told(/name: must be the folder's name/),
    'an unknown instance type': replace('t3.medium', 't3.medum').told(/nodeGroup.*t3\.medum/),
    'a VPC that cannot hold its subnets': replace('10.2.0.0/16', '10.2.0.0/20').told(/network\.cidr/),
  }),
  inFile('clusters/shared/cluster.yaml', {
    'a version of Kubernetes without quotes': replace('"1.36"', '1.36').told(/kubernetesVersion: must be string/),
  }),

  // What Argo CD is told
  inFile(applications, {
    'a values file that is not there': replace(
      '- /clusters/shared/fastify-service.yaml',
      '- /clusters/shared/fastify.yaml',
    ).toldAs(
      at(
        'clusters/shared/fastify.yaml:1',
        /the file: does not exist; argocd\/applications\/fastify-service\.yaml names it/,
      ),
    ),
    'a values file that nobody names': remove('            - /clusters/shared/fastify-service.yaml\n').toldAs(
      at(`${shared}:1`, /the file: no Application reads it/),
    ),
    'a fact that the cluster does not have': replace(
      '.metadata.annotations.imageRegistry',
      '.metadata.annotations.registry',
    ).told(/.*registry/),
    'a path that is not there': replace('path: charts/fastify-service', 'path: charts/fastify').told(
      /.*charts\/fastify/,
    ),
    'a folder that a push would not refresh': remove('/charts/fastify-service;').toldAtTop(
      /.*must name charts\/fastify-service/,
    ),
    'a project that is not there': replace('project: services', 'project: default').toldAtTop(
      /spec\.project: there is no AppProject default/,
    ),
    'a field that an ApplicationSet does not have': replace('applicationsSync:', 'applicationSync:').told(
      /.*applicationSync: is not a field/,
    ),
    'a key twice in an ApplicationSet': after('  goTemplate: true', '  goTemplate: false').told(/the file: .*unique/),
  }),
  inFile(projects, {
    'a kind that the project does not allow': remove(
      '    - { group: networking.k8s.io, kind: NetworkPolicy }\n',
    ).toldAs(/networkpolicy\.yaml:\d+: .*AppProject services does not allow networking\.k8s\.io\/NetworkPolicy/),
  }),
].flat();
