/**
 * A receiver of webhooks. Each path under /hooks/ has deliveries and an answer of its own:
 *   GET  /control/<name>   the deliveries: [{ headers, body }]
 *   POST /control/<name>   { status, headers, body, times, reset } of the answers from now on, or of the next `times`; `reset`: none,
 *                          the connection breaks
 */
import { createServer } from 'node:http';
import { listening } from './listening.mjs';

/** @param {{ port?: number, host?: string }} [options] port 0 takes any free one */
export async function startWebhookDouble({ port = 0, host = '127.0.0.1' } = {}) {
  /** @type {Map<string, { deliveries: object[], answer: Record<string, any> }>} */
  const hooks = new Map();
  const hookOf = (name) => {
    const hook = hooks.get(name) ?? { deliveries: [], answer: { status: 204, headers: {}, times: -1 } };
    hooks.set(name, hook);
    return hook;
  };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const [, place, name = ''] = (request.url ?? '').split('/');
    const hook = hookOf(name);
    if (place === 'control') {
      if (request.method === 'POST') hook.answer = { status: 204, headers: {}, times: -1, ...JSON.parse(body) };
      return response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(hook.deliveries));
    }
    hook.deliveries.push({ headers: request.headers, body });
    const said = hook.answer.times === 0 ? { status: 204, headers: {} } : hook.answer;
    if (hook.answer.times > 0) hook.answer.times--;
    if (said.hold) await new Promise((resolve) => request.socket.once('close', resolve));
    if (said.reset) return request.socket.destroy();
    return response.writeHead(said.status, said.headers).end(said.body);
  });
  return listening(server, { port, host });
}
