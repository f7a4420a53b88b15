import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { traceIdOf } from '../src/trace-context.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';
const idOf = (traceparent: string | undefined): string =>
  traceIdOf({ headers: { traceparent } } as unknown as IncomingMessage);

t.test('the trace of a valid traceparent is kept', (t) => {
  t.equal(idOf(`00-${trace}-b7ad6b7169203331-01`), trace);
  t.equal(idOf(`00-${trace}-b7ad6b7169203331-00`), trace);
  t.equal(idOf(`cc-${trace}-b7ad6b7169203331-01`), trace, 'of a later version');
  t.equal(idOf(`cc-${trace}-b7ad6b7169203331-01-what-ever`), trace, 'which may say more');
  t.end();
});

t.test('anything else is replaced by an id of our own, each time another', (t) => {
  const bad = [
    undefined,
    '',
    trace,
    `00-${trace}-b7ad6b7169203331`,
    `00-${trace}-b7ad6b7169203331-01-more`,
    `ff-${trace}-b7ad6b7169203331-01`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-b7ad6b7169203331-01`,
    `00-${trace}-b7ad6b7169203331-01\n`,
    `cc-${trace}-b7ad6b7169203331-01x`,
    ` 00-${trace}-b7ad6b7169203331-01`,
  ];
  const ids = bad.map(idOf);
  for (const [index, id] of ids.entries()) t.match(id, /^[0-9a-f]{32}$/, JSON.stringify(bad[index]));
  t.notOk(ids.includes(trace));
  t.notOk(ids.includes('0'.repeat(32)), 'no id at all is no id');
  t.equal(new Set(ids).size, ids.length);
  t.end();
});
