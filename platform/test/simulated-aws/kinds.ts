import { backup } from './backup.ts';
import { billing } from './billing.ts';
import { cloudwatchLogs } from './cloudwatch-logs.ts';
import { ec2, ec2Data } from './ec2.ts';
import { ec2Routing } from './ec2-routing.ts';
import { ecr } from './ecr.ts';
import { eks, eksData } from './eks.ts';
import { eksNodes, eksNodesData } from './eks-nodes.ts';
import { helm } from './helm.ts';
import { iam } from './iam.ts';
import type { DataSource, DataSources, Kind, Kinds } from './kind.ts';
import { kms } from './kms.ts';
import { messages } from './messages.ts';
import { s3 } from './s3.ts';
import { secretsManager } from './secrets-manager.ts';

/** What no stack makes: tests put it there, as controllers and people do, and so do the rules of other types. */
const planted: Kinds = {
  network_interface: {},
  recovery_point: {},
  s3_object: {},
  ecr_image: {},
  queue_deleted_recently: {},
  secret_pending_deletion: {},
  ssm_parameter: {},
  kubernetes_namespace: {},
};

/** Every type that is simulated. */
export const kinds: Kinds = {
  ...ec2,
  ...ec2Routing,
  ...iam,
  ...eks,
  ...eksNodes,
  ...ecr,
  ...s3,
  ...kms,
  ...secretsManager,
  ...backup,
  ...cloudwatchLogs,
  ...billing,
  ...messages,
  ...helm,
  ...planted,
};

/** Every data source that is simulated. */
export const dataSources: DataSources = { ...ec2Data, ...eksData, ...eksNodesData };

/** The rules of a type. Throws for one that is not simulated. */
export function kindOf(type: string): Kind {
  const kind = kinds[type];
  if (kind === undefined) throw new Error(`${type} is not simulated; add it to the file of its service`);
  return kind;
}

/** A data source. Throws for one that is not simulated. */
export function dataSourceOf(type: string): DataSource {
  const source = dataSources[type];
  if (source === undefined) throw new Error(`data ${type} is not simulated; add it to the file of its service`);
  return source;
}
