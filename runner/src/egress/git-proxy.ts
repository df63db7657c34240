import {
  createServer,
  request as askHttp,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { request as askHttps } from 'node:https';
import type { Socket } from 'node:net';
import { PassThrough, pipeline, type Readable, type Transform } from 'node:stream';
import { connect as secure } from 'node:tls';
import { createGunzip } from 'node:zlib';
import { allowsRepository } from '@gatehouse/core/access/egress.ts';
import type { GitCredentials } from '@gatehouse/core/protocol/runner-policy.ts';
import { statusOf, type Gateway } from './gateway.ts';
import { NotCarried, readGitRequest, redirectedPath, type GitRequest } from './git-request.ts';
import { dial, resolveWithin } from './outside.ts';
import { PushCommands, type PushedRefs } from './push-commands.ts';
import { EgressRefused, hintOf } from './refusal.ts';
import { IDLE_MS, MOST_CONNECTIONS } from './relay.ts';
import type { Reach, Ways } from './ways.ts';

/** requests that a fetch consists of follow each other within this time */
const SAME_FETCH_MS = 10_000;
/** what a request may tell the server; everything else, credentials above all, stays inside */
const ASKED = ['accept', 'accept-encoding', 'accept-language', 'content-type', 'git-protocol', 'user-agent'];
const ANSWERED = ['cache-control', 'content-encoding', 'content-length', 'content-type', 'expires', 'pragma'];
const UNKNOWN: PushedRefs = { refs: [], more: 0 };

export interface GitContext extends Gateway {
  now(): number;
  /** of the owner, in memory alone */
  credentials(): GitCredentials;
}

/** Git's way out: fetch and push of the repositories that the rules name, with the owner's credential added out here. */
export class GitProxy {
  readonly server: Server;
  readonly #context: GitContext;
  /** when a fetch of a repository was last heard of */
  readonly #fetches = new Map<string, number>();

  constructor(context: GitContext) {
    this.#context = context;
    this.server = createServer({ requestTimeout: 0 }, (request, response) => void this.#take(request, response));
    this.server.maxConnections = MOST_CONNECTIONS;
    this.server.setTimeout(IDLE_MS);
    this.server.on('clientError', (_error, socket) => socket.destroy());
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let asked: GitRequest | null = null;
    try {
      asked = readGitRequest(request.method ?? '', request.url ?? '');
      await this.#pass(asked, request, response);
    } catch (error) {
      const repository = asked?.repository ?? (error instanceof NotCarried ? error.repository : 'unknown');
      if (error instanceof EgressRefused) this.#context.trail.repositoryRefused(repository, asked?.service ?? 'other', error.message);
      const words = error instanceof EgressRefused ? hintOf(`repository ${repository}`, error.message) : `${(error as Error).message}`;
      refuse(response, statusOf(error), words);
      request.resume();
    }
  }

  async #pass(asked: GitRequest, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { outside, trail, ways } = this.#context;
    const reach = reachOf(ways(), asked);
    const { hostname, protocol } = asked.url;
    const port = Number(asked.url.port || (protocol === 'https:' ? 443 : 80));
    const host = hostname.replace(/^\[|\]$/g, '');
    const addresses = reach === 'machine' ? [host === 'localhost' ? '127.0.0.1' : host] : await resolveWithin(outside, host, reach);
    const credential = this.#context.credentials().find((each) => each.host === asked.url.host);
    const socket = await dial(outside, host, addresses, port);
    if (response.destroyed) return void socket.destroy();
    trail.follow(socket, host, port);
    const headers: OutgoingHttpHeaders = { ...pick(request, ASKED), host: asked.url.host, connection: 'close' };
    if (credential) headers['authorization'] = `Basic ${Buffer.from(`${credential.username}:${credential.secret}`).toString('base64')}`;
    const ask = protocol === 'https:' ? askHttps : askHttp;
    const options = { method: request.method, path: `${asked.url.pathname}${asked.url.search}`, headers };
    const outgoing = ask({ ...options, createConnection: () => (protocol === 'https:' ? this.#secured(socket, host) : socket) });
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    response.on('close', () => outgoing.destroy());
    outgoing.on('error', (error) => refuse(response, 502, `${asked.url.host} can’t be reached: ${error.message}`));
    const pushed: { refs: PushedRefs } = { refs: UNKNOWN };
    outgoing.on('response', (incoming) =>
      this.#answer(asked, { incoming, response, refs: pushed.refs, asPerson: credential !== undefined }),
    );
    if (asked.step === 'advertise') return void outgoing.end();
    const failed = (error: NodeJS.ErrnoException | null | undefined) => {
      if (error && !response.headersSent) refuse(response, 400, error.message);
    };
    pipeline(bodyOf(request), this.#watch(asked, pushed, credential !== undefined), outgoing, failed);
  }

  #secured(socket: Socket, host: string): Socket {
    return secure({ socket, servername: host, ALPNProtocols: ['http/1.1'], secureContext: this.#context.outside.trust() });
  }

  /** Looks at what is exchanged before it leaves: a push is recorded with its refs, and does not happen where that fails. */
  #watch({ service, repository }: GitRequest, pushed: { refs: PushedRefs }, asPerson: boolean): Transform {
    if (service === 'fetch') return new PassThrough();
    return new PushCommands((refs) => {
      // Git first asks with nothing whether it may push at all.
      if (refs.refs.length === 0) return true;
      pushed.refs = refs;
      return this.#context.trail.git({ what: 'git-push', repository, asPerson, status: 0, ...refs });
    });
  }

  #answer(
    { service, step, repository, url }: GitRequest,
    answer: { incoming: IncomingMessage; response: ServerResponse; refs: PushedRefs; asPerson: boolean },
  ): void {
    const { incoming, response, refs, asPerson } = answer;
    const { trail, now } = this.#context;
    const status = incoming.statusCode ?? 502;
    const stop = (code: number, words: string) => {
      incoming.destroy();
      refuse(response, code, words);
    };
    if (status >= 300 && status < 400) {
      const path = redirectedPath(url, incoming.headers.location ?? '');
      if (path === null) {
        const why = 'the server sends to another place';
        trail.repositoryRefused(repository, service, why);
        return stop(403, hintOf(`repository ${repository}`, why));
      }
      incoming.resume();
      return void response.writeHead(status, { Location: path, 'Content-Length': 0 }).end();
    }
    if (status === 401) {
      // Asked for a password, people would type one in here, where it must not be.
      const words = asPerson
        ? `${url.host} does not take your credential. Look at it under Account, Git credentials.`
        : `${url.host} asks who you are. Add a credential for it under Account, Git credentials.`;
      return stop(403, words);
    }
    if (step === 'exchange' && service === 'fetch') {
      const last = this.#fetches.get(repository);
      this.#fetches.set(repository, now());
      const isNew = last === undefined || now() - last > SAME_FETCH_MS;
      if (isNew && !trail.git({ what: 'git-fetch', repository, asPerson, status }))
        return stop(503, 'The fetch can’t be recorded now, and so is not made');
    }
    if (step === 'exchange' && service === 'push' && status >= 400) trail.git({ what: 'git-push', repository, asPerson, status, ...refs });
    response.writeHead(status, pick(incoming, ANSWERED));
    pipeline(incoming, response, () => undefined);
  }
}

/** @throws EgressRefused */
function reachOf({ mode, network }: Ways, { service, repository, url }: GitRequest): Reach {
  if (mode === 'none') throw new EgressRefused('nothing may leave this workspace');
  if (mode === 'allow-list' && !allowsRepository(network.git[service], repository))
    throw new EgressRefused(`it is not on the list of repositories to ${service === 'fetch' ? 'fetch from' : 'push to'}`);
  // Plain HTTP is only ever the machine's own, and was named as that.
  return url.protocol === 'http:' ? 'machine' : 'private';
}

/** Git packs a long request; its commands are to be read. */
const bodyOf = (request: IncomingMessage): Readable =>
  request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;

const pick = (message: IncomingMessage, names: readonly string[]): OutgoingHttpHeaders =>
  Object.fromEntries(names.flatMap((name) => (message.headers[name] === undefined ? [] : [[name, message.headers[name]]])));

/** Git shows people a plain text. */
function refuse(response: ServerResponse, status: number, words: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${words}\n`);
}
