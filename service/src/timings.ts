/**
 * Every time span of the service, in seconds, in one place: the chart's numbers are checked against these.
 *
 * The order that they must keep, and why:
 * - drain + close + end < the pod's terminationGracePeriodSeconds, or the kubelet kills a process that still answers
 * - keepAlive > the load balancer's idle timeout (60 s for an ALB), or it sends a request down a connection that is just
 *   closing
 * - headers < request, or the shorter of the two never matters
 */
export const timings = {
  /** After SIGTERM, requests are answered this long before the port is closed (setting DRAIN_SECONDS). */
  drain: 5,
  /** After the drain, requests that still run get this long. */
  close: 3,
  /** Of these, connections that have nothing to do are kept this long, for requests that are on their way already. */
  lastRequests: 0.5,
  /** How long the last lines of the log then wait for somebody who reads them. */
  lastLines: 0.5,
  /** After drain and close, the process ends within this time, whatever it still waits for. */
  end: 1.5,
  /** How long an idle connection is kept. Fastify's own default, above the ALB's 60 s. */
  keepAlive: 72,
  /** How long a client may take to send its headers, and its whole request. */
  headers: 10,
  request: 30,
  /** How often Node looks for clients that take longer; a slow one is cut at most this much too late. */
  connectionsCheck: 1,
  /** After the last answer of a connection, what its client still sends is read this long, and dropped. */
  linger: 1,
  /** How often the pressure on the process is sampled. */
  pressureSample: 0.25,
  /**
   * While memory is short, how often garbage is collected to see whether it still is: a collection stops the process
   * for some 0.1 s.
   */
  collect: 1,
  /**
   * Delay of the event loop, as a mean over a sample, above which requests are shed. Single stalls do not reach it;
   * sustained load does.
   */
  maxEventLoopDelay: 0.1,
  /**
   * While the event loop is overloaded, a request is shed when its turn of the loop has lasted this long. An answer
   * then takes about twice this time at most, whatever arrives; measured with `make bench`, shorter turns cost more
   * good answers.
   */
  maxTurn: 0.05,
  /** When a client whose request was shed may retry. */
  retryAfter: 1,
  /** How long a cached answer is fresh (setting CACHE_TTL_SECONDS). */
  cacheFresh: 300,
  /** How long after that it may be served while a new one is made (setting CACHE_STALE_SECONDS). */
  cacheStale: 600,
  /** How often log lines are written out; they are gathered until then, or until 32 KiB are full. */
  logFlush: 0.1,
  /** The latency objective: this is an edge of the histogram's buckets, so that the share below it is exact. */
  latencyObjective: 0.1,
} as const;
