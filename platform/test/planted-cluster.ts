import type { Caller, SimulatedAws } from './simulated-aws/cloud.ts';

/** Puts the cluster dev there, as its stack would, with as much as a Helm release needs. */
export function plantCluster(cloud: SimulatedAws, caller: Caller): void {
  cloud.plant('aws_subnet', { id: 'subnet-1', vpc_id: 'vpc-1' }, caller);
  const vpc = {
    subnet_ids: ['subnet-1'],
    public_access_cidrs: [],
    security_group_ids: [],
    endpoint_private_access: true,
    endpoint_public_access: false,
  };
  const cluster = { id: 'dev', name: 'dev', version: '1.36', endpoint: 'https://dev.example' };
  const certificate = [{ data: Buffer.from('simulated').toString('base64') }];
  cloud.plant('aws_eks_cluster', { ...cluster, certificate_authority: certificate, vpc_config: [vpc] }, caller);
  const policy = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy';
  cloud.plant('aws_eks_access_policy_association', { cluster_name: 'dev', policy_arn: policy }, caller);
}
