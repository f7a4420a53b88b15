// What another service needs for its routes (services/README.md), so that it names no version of its own.
export type { Api } from './api.ts';
export { ProblemError, problemResponses } from './problems.ts';
export { answerResponse, cacheHeaders, NoQuery, notModifiedResponse } from './routes/schemas.ts';
export type { FastifyPluginCallbackTypebox as Routes } from '@fastify/type-provider-typebox';
export { type Static, default as Type } from 'typebox';
