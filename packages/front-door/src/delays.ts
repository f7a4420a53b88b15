/** How slow load balancer and controller are in what no annotation says. In seconds. */
export interface Delays {
  readonly registrationSeconds: number;
  readonly deregistrationSeconds: number;
  readonly connectTimeoutSeconds: number;
}

export const DELAYS: Delays = {
  /**
   * From an endpoint whose containers are ready to the target's first health check: the controller's reconcile and one
   * call of RegisterTargets. AWS names no figure. Assumed: the time of a call, since operators see an ALB's target healthy
   * "immediately once the readiness check passes" (aws-load-balancer-controller#1834).
   */
  registrationSeconds: 0.3,
  /**
   * From an endpoint that is terminating to the last new request: the controller's reconcile, DeregisterTargets, and its
   * way to every node of the load balancer. AWS names no figure. Operators report that a pause of 5 s before SIGTERM
   * loses requests and one of 25 s does not (aws-load-balancer-controller#1064), and "about 10 s" (#1719). Assumed: the
   * least that explains them, since the old release answers for as long after a rollout.
   */
  deregistrationSeconds: 6,
  /** "HTTP 504" in AWS's "Troubleshoot your Application Load Balancers": the connection timeout is 10 seconds. */
  connectTimeoutSeconds: 10,
};
