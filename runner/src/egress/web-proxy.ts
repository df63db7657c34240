import { createServer, request as ask, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { readGreeting } from './client-hello.ts';
import { dialWeb, statusOf, type Gateway } from './gateway.ts';
import { EgressRefused, hintOf, printable } from './refusal.ts';
import { IDLE_MS, MOST_CONNECTIONS, relay } from './relay.ts';

/** how long a program may take to say its first words in a tunnel */
const GREETING_MS = 30_000;
/** a ClientHello is some hundred bytes, and some thousand with the keys of tomorrow */
const MOST_GREETING = 64 * 1024;
/** headers that are about one connection, and what a proxy alone is told (RFC 9110 §7.6.1) */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** A host and port that a request is for, as it was written. */
interface Authority {
  host: string;
  port: number;
}

/** The authority, which may leave out the port. @throws EgressRefused when it is none */
function authorityOf(text: string, standard: number | null): Authority {
  const [, host = '', port] = /^(\[[0-9a-f:.]+\]|[^:/@[\]\s]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const number = port === undefined ? standard : Number(port);
  if (host === '' || number === null || number < 1 || number > 65_535) throw new EgressRefused('that is no host and port');
  return { host, port: number };
}

const same = (a: Authority, b: Authority) =>
  a.port === b.port && a.host.toLowerCase().replace(/\.$/, '') === b.host.toLowerCase().replace(/\.$/, '');

/** What a program is told of a failure, in a body that most of them show. */
const wordsOf = (error: unknown, { host, port }: Authority): string =>
  error instanceof EgressRefused
    ? hintOf(`host ${printable(host)}${port === 80 || port === 443 ? '' : `:${port}`}`, error.message)
    : messageOf(error);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : 'The proxy failed');

/** A whole answer to whom no ServerResponse belongs. */
function answerRaw(socket: Duplex, status: number, words: string): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: text/plain; charset=utf-8\r\n`;
  socket.end(
    `${head}Content-Length: ${Buffer.byteLength(words) + 1}\r\nX-Gatehouse-Egress: refused\r\nConnection: close\r\n\r\n${words}\n`,
  );
}

function answer(response: ServerResponse, status: number, words: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Gatehouse-Egress': 'refused' }).end(`${words}\n`);
}

/** Headers of a message as they were written, without those that are about one connection. */
function passedOn(message: IncomingMessage): string[] {
  const named = (message.headers.connection ?? '').toLowerCase().split(/\s*,\s*/);
  const raw: string[] = [];
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [message.rawHeaders[at], message.rawHeaders[at + 1]];
    if (!HOP_BY_HOP.includes(name.toLowerCase()) && !named.includes(name.toLowerCase())) raw.push(name, value);
  }
  return raw;
}

/**
 * The web proxy of one workspace: CONNECT for TLS, plain HTTP, and WebSockets over both. It asks the rules for each connection, and
 * what it sees of the traffic has to belong to the host that was asked for: the name in TLS, the Host of each plain request.
 */
export class WebProxy {
  readonly server: Server;
  readonly #gateway: Gateway;
  /** plain HTTP in tunnels, each bound to the host it was made for */
  readonly #tunnelled: Server;
  readonly #bound = new WeakMap<Duplex, Authority>();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.server = this.#serve((request) => this.#target(request));
    this.server.maxConnections = MOST_CONNECTIONS;
    this.server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => void this.#connect(request, socket, head));
    this.#tunnelled = this.#serve((request) => this.#boundTarget(request));
    // A proxy behind a host: there is no second CONNECT.
    this.#tunnelled.on('connect', (request: IncomingMessage, socket: Duplex) => {
      const why = 'a tunnel in a tunnel is refused';
      this.#gateway.trail.refused(request.url ?? '', null, why);
      answerRaw(socket, 403, hintOf(`host ${printable(request.url ?? '')}`, why));
    });
  }

  #serve(targetOf: (request: IncomingMessage) => { authority: Authority; path: string }): Server {
    const server = createServer({ maxHeaderSize: 64 * 1024, requestTimeout: 0, keepAliveTimeout: 30_000 });
    const target = (request: IncomingMessage, failed: (error: unknown, authority: Authority) => void) => {
      try {
        return targetOf(request);
      } catch (error) {
        const [host = '', port] = (request.headers.host ?? '').split(':');
        const authority = { host, port: Number(port ?? 80) };
        if (error instanceof EgressRefused) this.#gateway.trail.refused(authority.host, authority.port || null, error.message);
        return void failed(error, authority);
      }
    };
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const found = target(request, (error, authority) => answer(response, statusOf(error), wordsOf(error, authority)));
      if (found) void this.#forward(request, response, found.authority, found.path);
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => undefined);
      const found = target(request, (error, authority) => answerRaw(socket, statusOf(error), wordsOf(error, authority)));
      if (found) void this.#upgrade(request, socket, head, found.authority, found.path);
    });
    server.on('clientError', (_error, socket) => socket.destroy());
    server.setTimeout(IDLE_MS);
    return server;
  }

  /** Where an absolute `http://` request goes. @throws EgressRefused */
  #target(request: IncomingMessage): { authority: Authority; path: string } {
    const [, written = '', path = ''] = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(request.url ?? '') ?? [];
    if (written === '') throw new EgressRefused('this is a proxy, ask it for http:// addresses');
    const authority = authorityOf(written, 80);
    this.#checkHost(request, authority);
    return { authority, path: path.startsWith('/') ? path : `/${path}` };
  }

  #boundTarget(request: IncomingMessage): { authority: Authority; path: string } {
    const authority = this.#bound.get(request.socket);
    if (authority === undefined || !(request.url ?? '').startsWith('/')) throw new EgressRefused('a proxy behind a host is refused');
    this.#checkHost(request, authority);
    return { authority, path: request.url ?? '/' };
  }

  #checkHost({ headers }: IncomingMessage, authority: Authority): void {
    if (headers.host === undefined || !same(authorityOf(headers.host, authority.port === 443 ? 443 : 80), authority))
      throw new EgressRefused('the Host of a request must be the host it is sent to');
  }

  async #forward(request: IncomingMessage, response: ServerResponse, authority: Authority, path: string): Promise<void> {
    try {
      const { socket } = await dialWeb(this.#gateway, authority.host, authority.port);
      if (request.destroyed) return void socket.destroy();
      const outgoing = this.#ask(request, socket, path);
      const failed = (error: Error) => answer(response, 502, `${authority.host} broke off: ${error.message}`);
      outgoing.on('error', failed).on('response', (incoming) => {
        response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, passedOn(incoming));
        incoming.on('error', () => response.destroy()).pipe(response);
      });
      response.on('close', () => socket.destroy());
      request.on('error', () => socket.destroy()).pipe(outgoing);
    } catch (error) {
      answer(response, statusOf(error), wordsOf(error, authority));
    }
  }

  async #upgrade(request: IncomingMessage, inside: Duplex, head: Buffer, authority: Authority, path: string): Promise<void> {
    try {
      const { socket } = await dialWeb(this.#gateway, authority.host, authority.port);
      const headers = [...passedOn(request), 'Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? ''];
      const outgoing = ask({ createConnection: () => socket, method: request.method, path, headers, setHost: false });
      outgoing.on('error', () => inside.destroy());
      // Only what the host has taken for another protocol is not looked at any more.
      outgoing.on('upgrade', (incoming, outside: Socket, first: Buffer) => {
        inside.write(`HTTP/1.1 101 ${incoming.statusMessage}\r\n${lines(incoming.rawHeaders)}\r\n`);
        inside.write(first);
        inside.unshift(head);
        relay(inside, outside);
      });
      outgoing.on('response', (incoming) => {
        inside.write(`HTTP/1.1 ${incoming.statusCode} ${incoming.statusMessage}\r\n${lines(passedOn(incoming))}Connection: close\r\n\r\n`);
        incoming.pipe(inside);
      });
      outgoing.end();
    } catch (error) {
      answerRaw(inside, statusOf(error), wordsOf(error, authority));
    }
  }

  #ask({ method, rawHeaders, headers }: IncomingMessage, socket: Socket, path: string) {
    const kept = passedOn({ rawHeaders, headers } as IncomingMessage);
    const length = headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked'];
    return ask({ createConnection: () => socket, method, path, headers: [...kept, ...length, 'Connection', 'close'], setHost: false });
  }

  async #connect(request: IncomingMessage, inside: Duplex, head: Buffer): Promise<void> {
    inside.on('error', () => undefined);
    let authority = { host: request.url ?? '', port: 0 };
    try {
      authority = authorityOf(request.url ?? '', null);
      const { socket, host, raw } = await dialWeb(this.#gateway, authority.host, authority.port);
      if (inside.destroyed) return void socket.destroy();
      inside.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) inside.unshift(head);
      if (raw) relay(inside, socket);
      else this.#listenFirst(inside, socket, { host, port: authority.port });
    } catch (error) {
      if (error instanceof EgressRefused && authority.port === 0) this.#gateway.trail.refused(authority.host, null, error.message);
      answerRaw(inside, statusOf(error), wordsOf(error, authority));
    }
  }

  /** Lets nothing through before the program has said whom it means. */
  #listenFirst(inside: Duplex, outside: Socket, authority: Authority): void {
    let heard = Buffer.alloc(0);
    const late = setTimeout(() => end('it says nothing'), GREETING_MS);
    const stop = () => {
      clearTimeout(late);
      inside.off('data', hear).off('close', gone).pause();
      outside.off('close', closed);
    };
    const end = (why: string) => {
      stop();
      this.#gateway.trail.refused(authority.host, authority.port, why);
      inside.destroy();
      outside.destroy();
    };
    const gone = () => {
      stop();
      outside.destroy();
    };
    const closed = () => {
      stop();
      inside.destroy();
    };
    const hear = (piece: Buffer) => {
      heard = Buffer.concat([heard, piece]);
      const greeting = readGreeting(heard);
      if (greeting.kind === 'more') return heard.length > MOST_GREETING ? end('what it says first has no end') : undefined;
      if (greeting.kind === 'tls' && greeting.name !== authority.host)
        return end(
          greeting.name === null ? 'TLS without the name of the host is refused' : `TLS names another host, ${printable(greeting.name)}`,
        );
      if (greeting.kind === 'plain' && authority.port === 443) return end('only TLS goes to port 443');
      stop();
      inside.unshift(heard);
      if (greeting.kind === 'tls') return relay(inside, outside);
      // Each plain request is looked at, and gets a connection of its own.
      outside.destroy();
      this.#bound.set(inside, authority);
      this.#tunnelled.emit('connection', inside);
      inside.resume();
    };
    outside.on('error', gone).on('close', closed);
    inside.on('data', hear).on('close', gone);
  }
}

function lines(raw: readonly string[]): string {
  let text = '';
  for (let at = 0; at + 1 < raw.length; at += 2) text += `${raw[at]}: ${raw[at + 1]}\r\n`;
  return text;
}
