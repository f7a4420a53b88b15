// Fastify with a response schema and nothing else: what all others are compared with.
import Fastify from 'fastify';
import { Network } from '../../src/routes/schemas.ts';
import { answer, PATH, port } from './answer.ts';

const app = Fastify();
app.get(PATH, { schema: { response: { 200: Network } } }, (_request, reply) => {
  reply.send(answer);
});
await app.listen({ host: '127.0.0.1', port });
