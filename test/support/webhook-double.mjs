/**
 * A receiver of webhooks. Each path under /hooks/ has deliveries and an answer of its own:
 *   GET  /control/<name>   the deliveries: [{ headers, body }]
 *   POST /control/<name>   { status, headers, body } of the answers from now on
 */
import { createServer } from 'node:http';
import { listening } from './listening.mjs';

/** @param {{ port?: number, host?: string }} [options] port 0 takes any free one */
export async function startWebhookDouble({ port = 0, host = '127.0.0.1' } = {}) {
  /** @type {Map<string, { deliveries: object[], answer: { status: number, headers: Record<string, string>, body?: string } }>} */
  const hooks = new Map();
  const hookOf = (name) => {
    const hook = hooks.get(name) ?? { deliveries: [], answer: { status: 204, headers: {} } };
    hooks.set(name, hook);
    return hook;
  };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const [, place, name = ''] = (request.url ?? '').split('/');
    const hook = hookOf(name);
    if (place === 'control') {
      if (request.method === 'POST') hook.answer = { status: 204, headers: {}, ...JSON.parse(body) };
      return response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(hook.deliveries));
    }
    hook.deliveries.push({ headers: request.headers, body });
    return response.writeHead(hook.answer.status, hook.answer.headers).end(hook.answer.body);
  });
  return listening(server, { port, host });
}
