import { existsSync } from 'node:fs';
import { CommandError } from '@gitops/report/errors';
import { text } from '@gitops/report/options';
import { FIRST_SERVICE } from '@gitops/settings/services';
import type { Instance } from '../instance.ts';
import { kubeconfigPath } from '../kubectl.ts';
import { type Ports, rememberedPorts } from '../ports.ts';

/** The ports of the machine. Throws CommandError where it was never started. */
export function runningPorts(instance: Instance): Ports {
  const ports = rememberedPorts(instance);
  if (ports === undefined || !existsSync(kubeconfigPath(instance)))
    throw new CommandError('nothing is running', 'run `make up`');
  return ports;
}

export const DEFAULT_APPLICATION = FIRST_SERVICE;

const NAME = /^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/;

const application = {
  placeholder: 'NAME',
  example: DEFAULT_APPLICATION,
  problem: (name: string): string | undefined =>
    NAME.test(name) ? undefined : `must be lower-case letters, digits and dashes (it is ${JSON.stringify(name)})`,
};

export const appOption = text(`an Application, ${DEFAULT_APPLICATION} by default`, application);
export const requiredAppOption = text('an Application, as `make status` lists them', {
  ...application,
  isRequired: true,
});
