// Writes the OpenAPI document of the API to openapi.json, made of the routes' own schemas. A test tells when it is out
// of date. Usage: node write-openapi.ts
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from './src/config.ts';
import { networksApi } from './src/networks.ts';
import { createLogger } from './src/request-log.ts';
import { buildService } from './src/service.ts';

/** The document as the service gives it, as text. */
export async function openapiText(): Promise<string> {
  const { api, admin } = await buildService({
    api: networksApi,
    config: readConfig({ DRAIN_SECONDS: '0' }),
    log: createLogger('fatal', process.stdout),
  });
  await api.ready();
  const text = `${JSON.stringify(api.swagger(), null, 2)}\n`;
  await Promise.all([api.close(), admin.close()]);
  return text;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'openapi.json'), await openapiText());
