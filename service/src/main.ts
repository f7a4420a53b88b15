import { run } from './run.ts';

await run(async () => (await import('./networks.ts')).networksApi);
