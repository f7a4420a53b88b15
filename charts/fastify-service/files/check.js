// Asks the service through its Service, on a new connection each time, until the new version has answered five times in a row.
// Ends with 0 then, and with 1 once nothing right was answered for too long, or the time is up.
// Kubernetes replaces a dollar sign before a parenthesis in this text, and Helm writes it into the Job as it is.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const { API_URL, METRICS_URL, VERSION, PATIENCE_SECONDS, DEADLINE_SECONDS } = process.env;
const NEEDED = 5;
// HTTP_PROXY is set where pods are processes and names of Services mean nothing (packages/local).
const agent = new Agent({ keepAlive: false, proxyEnv: process.env });

/** The body of an answer with status 200. */
async function get(url) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const asked = request(url, { agent, signal: AbortSignal.timeout(2000) }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
    response.on('error', reject).on('end', () => {
      if (response.statusCode === 200) resolve(body);
      else reject(new Error(`${url} answered ${response.statusCode}: ${body.slice(0, 200).trim()}`));
    });
  });
  asked.on('error', (error) => reject(new Error(`${url}: ${error.code ?? error.message}`))).end();
  return promise;
}

/** The version of a pod that answers at both ports. */
async function answeringVersion() {
  await get(API_URL);
  const version = /^service_build_info{[^}]*\bversion="([^"]*)"/m.exec(await get(METRICS_URL))?.[1];
  if (version === undefined) throw new Error(`${METRICS_URL} has no service_build_info`);
  return version;
}

function end(code, text) {
  console.log(text);
  process.exit(code);
}

// As process 1 of a container, one without a handler ignores it.
process.on('SIGTERM', () => end(1, 'ended from outside'));

const start = Date.now();
let lastRight = start;
let inRow = 0;
let said = '';
for (;;) {
  let found;
  try {
    const version = await answeringVersion();
    lastRight = Date.now();
    inRow = version === VERSION ? inRow + 1 : 0;
    found = version === VERSION ? `version ${VERSION} answers` : `version ${version} answers, not yet ${VERSION}`;
  } catch (error) {
    inRow = 0;
    found = error.message;
  }
  if (found !== said) console.log(found);
  said = found;
  if (inRow === NEEDED) end(0, `version ${VERSION} answered ${NEEDED} times in a row`);
  if (Date.now() - lastRight > PATIENCE_SECONDS * 1000) end(1, `no right answer for ${PATIENCE_SECONDS} s: ${found}`);
  if (Date.now() - start > DEADLINE_SECONDS * 1000) end(1, `not within ${DEADLINE_SECONDS} s: ${found}`);
  await sleep(inRow > 0 ? 200 : 500);
}
