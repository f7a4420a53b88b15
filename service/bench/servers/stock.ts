// The features of the service as most Fastify services have them: each plugin as its documentation shows it.
import etag from '@fastify/etag';
import helmet from '@fastify/helmet';
import underPressure from '@fastify/under-pressure';
import Fastify from 'fastify';
import fastifyMetrics from 'fastify-metrics';
import { Network } from '../../src/routes/schemas.ts';
import { answer, PATH, port } from './answer.ts';

const app = Fastify({ logger: true });
await app.register(fastifyMetrics.default, { endpoint: '/metrics' });
// Off at saturation, where it would refuse requests.
if (process.env.LOAD_SHEDDING !== 'off')
  await app.register(underPressure, {
    maxEventLoopDelay: 1000,
    maxHeapUsedBytes: 1e9,
    maxRssBytes: 1e9,
    maxEventLoopUtilization: 0.98,
  });
await app.register(helmet);
await app.register(etag);
app.get(PATH, { schema: { response: { 200: Network } } }, (_request, reply) => {
  reply.send(answer);
});
await app.listen({ host: '127.0.0.1', port });
