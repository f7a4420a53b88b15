import fp from 'fastify-plugin';

// For answers that are data and never a page. Written out, since helmet's fifteen for pages cost a request its own
// weight again.
const headers = {
  'x-content-type-options': 'nosniff',
  'strict-transport-security': 'max-age=31536000',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  // A route that may be kept says so itself.
  'cache-control': 'no-store',
};

/** The headers that every answer has, errors included. */
export const securityHeaders = fp(
  (app, _options, done) => {
    app.addHook('onRequest', (_request, reply, next) => {
      reply.headers(headers);
      next();
    });
    done();
  },
  { name: 'security-headers' },
);
