import { get } from 'node:http';
import type { HealthCheck } from './annotations.ts';

/** Why a health check failed, in the words of DescribeTargetHealth. */
export interface Failure {
  readonly reason: 'Target.ResponseCodeMismatch' | 'Target.Timeout' | 'Target.FailedHealthChecks';
  readonly description: string;
}

/**
 * One health check: a GET on a connection of its own, closed afterwards ("Health checks" in the user guide).
 * @param second milliseconds
 * @returns undefined when the target passed
 */
export async function checkHealth(
  check: HealthCheck,
  address: string,
  port: number,
  second: number,
): Promise<Failure | undefined> {
  return new Promise((resolve) => {
    const request = get(
      {
        host: address,
        port: check.port ?? port,
        path: check.path,
        agent: false,
        headers: { 'User-Agent': 'ELB-HealthChecker/2.0', Connection: 'close' },
      },
      ({ statusCode = 0 }) => {
        const failure: Failure = {
          reason: 'Target.ResponseCodeMismatch',
          description: `Health checks failed with these codes: [${statusCode}]`,
        };
        resolve(check.isSuccess(statusCode) ? undefined : failure);
        request.destroy();
      },
    );
    // For the whole check: a timeout of the socket would begin again with each byte.
    const timer = setTimeout(() => {
      resolve({ reason: 'Target.Timeout', description: 'Request timed out' });
      request.destroy();
    }, check.timeoutSeconds * second);
    request.on('error', (error) => {
      resolve({ reason: 'Target.FailedHealthChecks', description: `Health checks failed: ${error.message}` });
    });
    request.on('close', () => {
      clearTimeout(timer);
    });
  });
}
