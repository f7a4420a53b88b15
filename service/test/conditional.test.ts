import t from 'tap';
import { evaluateConditions } from '../src/conditional.ts';

t.test('the conditions of RFC 9110: If-Match strongly and first, If-None-Match weakly', (t) => {
  const cases: [headers: Record<string, string>, get: string, other: string][] = [
    [{}, 'proceed', 'proceed'],
    [{ 'if-none-match': '"a"' }, 'not-modified', 'failed'],
    [{ 'if-none-match': 'W/"a"' }, 'not-modified', 'failed'],
    [{ 'if-none-match': '"x", "y,z" ,W/"a"' }, 'not-modified', 'failed'],
    [{ 'if-none-match': '*' }, 'not-modified', 'failed'],
    [{ 'if-none-match': '"b"' }, 'proceed', 'proceed'],
    [{ 'if-none-match': 'a' }, 'proceed', 'proceed'],
    [{ 'if-none-match': '' }, 'proceed', 'proceed'],
    [{ 'if-none-match': '"x, \\"a\\""' }, 'proceed', 'proceed'],
    [{ 'if-match': '"a"' }, 'proceed', 'proceed'],
    [{ 'if-match': '*' }, 'proceed', 'proceed'],
    [{ 'if-match': '"b", "a"' }, 'proceed', 'proceed'],
    [{ 'if-match': 'W/"a"' }, 'failed', 'failed'],
    [{ 'if-match': '"b"' }, 'failed', 'failed'],
    [{ 'if-match': '' }, 'failed', 'failed'],
    [{ 'if-match': '"b"', 'if-none-match': '"a"' }, 'failed', 'failed'],
    [{ 'if-match': '"a"', 'if-none-match': '"a"' }, 'not-modified', 'failed'],
  ];
  for (const [headers, get, other] of cases) {
    const name = JSON.stringify(headers);
    t.equal(evaluateConditions(headers, 'GET', '"a"'), get, `GET ${name}`);
    t.equal(evaluateConditions(headers, 'HEAD', '"a"'), get, `HEAD ${name}`);
    t.equal(evaluateConditions(headers, 'PUT', '"a"'), other, `PUT ${name}`);
  }
  t.end();
});

t.test('a resource without a representation fails If-Match and passes If-None-Match', (t) => {
  for (const value of ['*', '"a"']) {
    t.equal(evaluateConditions({ 'if-match': value }, 'POST', undefined), 'failed');
    t.equal(evaluateConditions({ 'if-none-match': value }, 'POST', undefined), 'proceed');
  }
  t.end();
});
