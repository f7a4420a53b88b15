import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { answer, PATH, port } from './answer.ts';

const app = new Hono();
app.get(PATH, (context) => context.json(answer));
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' });
