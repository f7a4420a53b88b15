import { command } from '@gitops/report/command-line';
import { flag, integer, text } from '@gitops/report/options';
import { serve } from '../serve.ts';

export default command({
  summary: 'run the front door of a cluster until it is interrupted',
  options: {
    kubeconfig: text('kubeconfig of the cluster', { isRequired: true, placeholder: 'FILE' }),
    port: integer('port of loopback for clients', { least: 1, most: 65_535, isRequired: true }),
    adminPort: integer('port of loopback for /healthz and /targets', { least: 1, most: 65_535, isRequired: true }),
    accessLog: flag('log each request'),
  },
  run: async ({ options, print }) => {
    const controller = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        controller.abort();
      });
    }
    const log = (line: string): void => {
      print(`${new Date().toISOString()} ${line}`);
    };
    await serve({ ...options, log }, controller.signal);
  },
});
