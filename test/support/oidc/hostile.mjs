/**
 * An OpenID provider that says whatever a test wants it to say.
 *
 *   PUT /control/NAME   { "/path": body, … }   what is answered below /NAME from now on
 *   GET /control/NAME                          the requests that came: { method, path, authorization, body }
 */
import { createServer } from 'node:http';
import { listening } from '../listening.mjs';

export async function startHostileProvider({ port = 0, host = '127.0.0.1' } = {}) {
  /** @type {Map<string, { answers: Record<string, unknown>, requests: object[] }>} */
  const known = new Map();
  const server = createServer((request, response) => {
    handle(known, request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  return listening(server, { port, host });
}

async function handle(known, request, response) {
  const { pathname } = new URL(request.url ?? '/', 'http://double');
  let body = '';
  for await (const chunk of request) body += chunk;
  const reply = (status, value) => {
    const { status: other = status, headers = {}, text = JSON.stringify(value) } = value?.raw ?? {};
    response.writeHead(other, { 'Content-Type': 'application/json', ...headers }).end(text);
  };
  const [, first = '', second = ''] = pathname.split('/');
  if (first === 'control') {
    const one = known.get(second) ?? { answers: {}, requests: [] };
    known.set(second, one);
    if (request.method === 'PUT') Object.assign(one.answers, JSON.parse(body));
    return reply(200, one.requests);
  }
  const one = known.get(first);
  const path = pathname.slice(first.length + 1);
  one?.requests.push({ method: request.method, path, authorization: request.headers.authorization ?? null, body });
  return one && path in one.answers ? reply(200, one.answers[path]) : reply(404, { error: 'nothing is here' });
}
