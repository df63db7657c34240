import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isIP } from 'node:net';
import type { Registry } from 'prom-client';
import { Failure, messageOf } from '../failure.ts';
import type { Log } from '../log.ts';

export interface MetricsAddress {
  host: string;
  port: number;
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/**
 * Where figures are served: `127.0.0.1:9464`, `[::1]:9464`.
 * @param anywhere other machines may ask, too
 * @throws Failure when it is none, or others could reach it
 */
export function parseMetricsAddress(text: string, anywhere: boolean): MetricsAddress {
  const [, bracketed, plain, digits = ''] = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) throw new Failure(`--metrics "${text}" must be an address and a port, such as 127.0.0.1:9464`);
  if (!anywhere && !isLoopback(host))
    throw new Failure(`--metrics ${text} can be asked by other machines, and asks for no password. If that is meant: --metrics-anywhere`);
  return { host, port };
}

/** A page in a browser of this machine can ask loopback, too, by a name of its own: it gets nothing. */
function isAskedByName({ headers }: IncomingMessage): boolean {
  const name = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return name !== 'localhost' && isIP(name) === 0;
}

/** @throws Failure when nobody can listen there */
export async function serveMetrics({ host, port }: MetricsAddress, registry: Registry, log: Log): Promise<Server> {
  const server = createServer((request, response) => {
    const status = request.url?.split('?')[0] !== '/metrics' ? 404 : request.method !== 'GET' ? 405 : isAskedByName(request) ? 403 : 200;
    if (status !== 200) return void response.writeHead(status).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { 'Content-Type': registry.contentType, 'X-Content-Type-Options': 'nosniff' }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Failure(`Metrics can't be served at ${host}:${port}: ${messageOf(error)}`)));
    server.listen(port, host, resolve);
  });
  server.unref();
  const at = server.address();
  const shown = host.includes(':') ? `[${host}]` : host;
  log.info(`Metrics are at http://${shown}:${typeof at === 'object' ? at?.port : port}/metrics`);
  return server;
}
