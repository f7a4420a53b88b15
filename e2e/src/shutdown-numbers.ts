// The numbers by which a rollout loses no request, each of them broken in a copy of the service.
import type { Rendered } from './copy.ts';

/** A copy with a broken number. */
export interface BrokenNumber {
  /** Of its namespace. */
  readonly name: string;
  readonly number: string;
  readonly right: string;
  readonly broken: string;
  /** Why nothing is lost all the same; undefined where requests must be lost. */
  readonly covered?: string;
  /** Requests per second, 20 by default: more where requests are lost for a second or two only. */
  readonly rate?: number;
  /** Whether there are requests that last, besides quick ones. */
  readonly hasUploads?: boolean;
  /** Loses requests at the end of idle connections, not in a rollout. */
  readonly isIdle?: boolean;
  readonly change: (rendered: Rendered) => void;
}

/**
 * Seconds that a slow pod needs until it listens: longer than the front door sends requests to a pod that ends, and less
 * than until its second health check.
 */
const SLOW_START = 8;
/** Longer than all that comes before a rollout ends the old pod, on a busy machine as well. */
const SLOWER_START = 14;
/** In milliseconds; in place of the 72 s of service/src/timings.ts, and less than the load balancer's 60 s. */
export const BROKEN_KEEP_ALIVE = 300;

/** Code that Node.js runs before the service. */
function runBefore({ deployment }: Rendered, code: string): void {
  const [container] = deployment.spec.template.spec.containers;
  container.env = [{ name: 'NODE_OPTIONS', value: `--import=data:text/javascript,${encodeURIComponent(code)}` }];
}

const startSlowly = (rendered: Rendered, seconds = SLOW_START): void => {
  runBefore(rendered, `await new Promise((done) => setTimeout(done, ${seconds * 1000}))`);
};

const container = ({ deployment }: Rendered) => deployment.spec.template.spec.containers[0];

const preStop = (rendered: Rendered, seconds: number): void => {
  container(rendered).lifecycle = { preStop: { sleep: { seconds } } };
};

const drain = ({ config }: Rendered, seconds: number): void => {
  config.data.DRAIN_SECONDS = String(seconds);
};

const grace = ({ deployment }: Rendered, seconds: number): void => {
  deployment.spec.template.spec.terminationGracePeriodSeconds = seconds;
};

const withoutProbes = (rendered: Rendered): void => {
  delete container(rendered).readinessProbe;
  delete container(rendered).startupProbe;
};

const withoutGate = ({ namespace }: Rendered): void => {
  delete namespace.metadata.labels['elbv2.k8s.aws/pod-readiness-gate-inject'];
};

/** An annotation of the Ingress, or an attribute of one that has several. */
function annotate({ ingress }: Rendered, change: (text: string) => string): void {
  const { annotations } = ingress.metadata;
  for (const [key, text] of Object.entries(annotations)) annotations[key] = change(text);
}

/** The first two are right: what the others are compared with. */
export const NUMBERS: readonly BrokenNumber[] = [
  {
    name: 'right',
    number: 'all',
    right: 'as the chart has them',
    broken: 'none',
    covered: 'nothing is broken',
    hasUploads: true,
    change: () => undefined,
  },
  {
    name: 'right-slow',
    number: 'all',
    right: 'as the chart has them',
    broken: `none; a start of ${SLOW_START} s`,
    covered: 'nothing is broken',
    change: (rendered) => {
      startSlowly(rendered);
    },
  },
  {
    name: 'pre-stop',
    number: 'preStopSeconds',
    right: '25',
    // With drainSeconds 5 all but one second is covered.
    broken: '0, drainSeconds 2',
    rate: 60,
    change: (rendered) => {
      drain(rendered, 2);
      delete container(rendered).lifecycle;
    },
  },
  {
    name: 'drain',
    number: 'drainSeconds',
    right: '5',
    broken: '0',
    covered: 'requests end 6 s after the pod is to go, and preStopSeconds holds the port for 25 s',
    change: (rendered) => {
      drain(rendered, 0);
    },
  },
  {
    name: 'short-pre-stop',
    number: 'preStopSeconds',
    right: '25',
    broken: '4',
    covered: 'drainSeconds holds the port for 5 s more',
    change: (rendered) => {
      preStop(rendered, 4);
    },
  },
  {
    name: 'short-pre-stop-drain',
    number: 'drainSeconds',
    right: '5',
    broken: '0, preStopSeconds 4',
    rate: 60,
    change: (rendered) => {
      preStop(rendered, 4);
      drain(rendered, 0);
    },
  },
  {
    name: 'deregistration',
    number: 'deregistrationSeconds',
    right: '20',
    broken: '0',
    hasUploads: true,
    change: (rendered) => {
      annotate(rendered, (text) =>
        text.replace('deregistration_delay.timeout_seconds=20', 'deregistration_delay.timeout_seconds=0'),
      );
    },
  },
  {
    name: 'grace',
    number: 'terminationGracePeriodSeconds',
    right: '35',
    broken: '26',
    covered: 'preStopSeconds is over after the last request; the API server refuses less than that',
    change: (rendered) => {
      grace(rendered, 26);
    },
  },
  {
    name: 'short-grace',
    number: 'terminationGracePeriodSeconds',
    right: '35',
    broken: '3, preStopSeconds 2',
    rate: 60,
    change: (rendered) => {
      preStop(rendered, 2);
      grace(rendered, 3);
    },
  },
  {
    name: 'idle',
    number: 'idleTimeoutSeconds < keep-alive',
    right: '60 < 72',
    broken: `60 > ${BROKEN_KEEP_ALIVE / 1000}; a busy pod`,
    isIdle: true,
    change: (rendered) => {
      runBefore(
        rendered,
        // A turn of its event loop lasts 40 ms now and then: what arrives meanwhile finds its connection expired.
        `const http = process.getBuiltinModule('node:http'); const make = http.createServer;
         http.createServer = (options, handle) =>
           make({ ...options, keepAliveTimeout: ${BROKEN_KEEP_ALIVE}, keepAliveTimeoutBuffer: 0 }, handle);
         setInterval(() => { for (const end = Date.now() + 40; Date.now() < end;); }, 100);`,
      );
    },
  },
  {
    name: 'max-unavailable',
    number: 'maxUnavailable',
    right: '0',
    broken: `100%; a start of ${SLOWER_START} s`,
    change: (rendered) => {
      startSlowly(rendered, SLOWER_START);
      rendered.deployment.spec.strategy.rollingUpdate = { maxUnavailable: '100%', maxSurge: '25%' };
    },
  },
  {
    name: 'readiness',
    number: 'readiness and startup probe',
    right: 'every 5 s and 1 s',
    broken: `none; a start of ${SLOW_START} s`,
    covered: "the readiness gate waits for the load balancer's health check",
    change: (rendered) => {
      startSlowly(rendered);
      withoutProbes(rendered);
    },
  },
  {
    name: 'gate',
    number: 'readiness gate (health check)',
    right: 'waits for the target',
    broken: `none; a start of ${SLOW_START} s`,
    covered: 'the readiness probe waits for the service itself',
    change: (rendered) => {
      startSlowly(rendered);
      withoutGate(rendered);
    },
  },
  {
    name: 'readiness-gate',
    number: 'readiness probe and gate',
    right: 'both wait',
    broken: `none; a start of ${SLOWER_START} s`,
    change: (rendered) => {
      startSlowly(rendered, SLOWER_START);
      withoutProbes(rendered);
      withoutGate(rendered);
    },
  },
];
