import { createServer as createPlain, type IncomingMessage, type RequestListener, type Server as HttpServer } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { connect, createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Outside } from '../../src/egress/outside.ts';
import { mintCertificate } from './certificate.ts';
import { Heard } from './heard.ts';

/**
 * An internet of doubles: names lead to addresses as on the real one, and addresses to servers on this machine. What nobody serves
 * refuses connections. Everything that was asked for is kept.
 */
export class OutsideWorld implements Outside {
  readonly names = new Map<string, string[]>();
  readonly asked = new Heard<string>();
  readonly dialled = new Heard<string>();
  readonly #servers = new Map<string, number>();
  readonly #certificate: { key: string; cert: string };

  /** @param names that its TLS servers may have */
  constructor(names: readonly string[]) {
    this.#certificate = mintCertificate(names);
  }

  get cert(): string {
    return this.#certificate.cert;
  }

  lookup(host: string): Promise<string[]> {
    this.asked.push(host);
    const found = this.names.get(host);
    return found === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(found);
  }

  connect(address: string, port: number): Socket {
    this.dialled.push(`${address}:${port}`);
    // Nobody listens on port 1.
    return connect({ host: '127.0.0.1', port: this.#servers.get(`${address}:${port}`) ?? 1, allowHalfOpen: true });
  }

  own(): string[] {
    return ['127.0.0.1', '::1', '10.9.9.9'];
  }

  trust() {
    return createSecureContext({ ca: [this.cert] });
  }

  /** Names a host, and what is said to it over HTTP, HTTPS, or bare TCP. */
  async host(
    name: string,
    address: string,
    serve: { http?: RequestListener; https?: RequestListener; tcp?: [number, (socket: Socket) => void] },
  ) {
    this.names.set(name, [address]);
    if (serve.http) this.#servers.set(`${address}:80`, await listen(createPlain(serve.http)));
    if (serve.https) this.#servers.set(`${address}:443`, await listen(createSecure(this.#certificate, serve.https)));
    if (serve.tcp) this.#servers.set(`${address}:${serve.tcp[0]}`, await listen(createTcp(serve.tcp[1])));
  }

  /** Puts a server of this machine at an address. */
  at(address: string, port: number, localPort: number): void {
    this.#servers.set(`${address}:${port}`, localPort);
  }
}

export async function listen(server: Server | HttpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text;
}
