type Texts<Name extends string> = Readonly<Record<Name, string>>;
type Numbers<Name extends string> = Readonly<Record<Name, number>>;
type Switches<Name extends string> = Readonly<Record<Name, boolean>>;
type Lists<Name extends string> = Readonly<Record<Name, readonly string[]>>;

/** The values of charts/fastify-service, as far as test/facts.ts compares them. */
export interface Values {
  readonly image: Texts<'repository' | 'tag' | 'digest'>;
  readonly host: string;
  readonly additionalHosts: readonly string[];
  readonly replicas: number;
  readonly autoscaling: Switches<'enabled'> & Numbers<'minReplicas' | 'maxReplicas' | 'targetCpuPercent'>;
  readonly port: number;
  readonly adminPort: number;
  readonly logLevel: string;
  readonly environment: Readonly<Record<string, string | number>>;
  readonly faults: boolean;
  readonly rollout: Numbers<'startupSeconds' | 'minReadySeconds' | 'progressDeadlineSeconds'>;
  readonly check: Switches<'enabled'> & Texts<'path'> & Numbers<'deadlineSeconds'>;
  readonly shutdown: Numbers<'preStopSeconds' | 'drainSeconds'>;
  readonly resources: Texts<'cpu' | 'memory' | 'ephemeralStorage'>;
  readonly zoneSpread: string;
  readonly priorityClassName: string;
  readonly podDisruptionBudget: Switches<'enabled'>;
  readonly ingress: Switches<'enabled' | 'https' | 'deletionProtection'> &
    Texts<'scheme' | 'certificateArn' | 'tlsPolicy' | 'groupName' | 'accessLogsBucket' | 'wafAclArn'> &
    Numbers<'groupOrder' | 'idleTimeoutSeconds' | 'deregistrationSeconds'> &
    Lists<'inboundCidrs'>;
  readonly httpRoute: Switches<'enabled'> & { readonly gateway: Texts<'name' | 'namespace'> };
  readonly networkPolicy: Texts<'monitoringNamespace'> &
    Lists<'loadBalancerCidrs' | 'dnsCidrs'> & {
      readonly egress: Readonly<Record<string, Lists<'cidrs'> & Numbers<'port'>>>;
    };
  readonly externalSecret: Switches<'enabled'> & Texts<'store' | 'key' | 'refreshInterval'>;
}
