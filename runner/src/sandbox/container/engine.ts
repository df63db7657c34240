import { request, type IncomingMessage } from 'node:http';
import { z } from 'zod';
import { messageOf } from '../../failure.ts';
import { CONTROLLERS, type Controller } from '../../limits/cgroup.ts';

/**
 * A container engine: Docker, or Podman by the interface that it has in common with Docker (the Docker Engine API), on a
 * socket of this machine. A dozen calls are needed of it, so it is spoken to plainly.
 */

/** versions of the API that this is written for */
const API = { least: [1, 40], most: [1, 48] } as const;
const WITHIN_MS = 60_000;
const MOST_ANSWER = 8 * 1024 * 1024;

/** What the engine refuses, or why it can't be reached, in a sentence. */
export class EngineFailure extends Error {
  /** of its answer; null: there was none */
  readonly status: number | null;

  constructor(message: string, status: number | null) {
    super(message);
    this.status = status;
  }
}

type Version = readonly [major: number, minor: number];
const apiVersion = z.string().transform((text, context): Version => {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  if (major === undefined || minor === undefined) {
    context.addIssue({ code: 'custom', message: 'must be a version' });
    return z.NEVER;
  }
  return [Number(major), Number(minor)];
});

const version = z.object({
  Version: z.string(),
  ApiVersion: apiVersion,
  MinAPIVersion: apiVersion.optional(),
  Os: z.string(),
  Components: z.array(z.object({ Name: z.string() })).default([]),
});

const info = z.object({
  SecurityOptions: z
    .array(z.string())
    .nullish()
    .transform((options) => options ?? []),
  /** Podman says it so */
  Rootless: z.boolean().default(false),
  MemoryLimit: z.boolean().default(false),
  PidsLimit: z.boolean().default(false),
  CpuCfsQuota: z.boolean().default(false),
});

const compare = ([majorA, minorA]: Version, [majorB, minorB]: Version) => majorA - majorB || minorA - minorB;
const shown = ([major, minor]: Version) => `${major}.${minor}`;

/** The newest version that both know. @throws EngineFailure when there is none */
export function negotiate(theirs: { ApiVersion: Version; MinAPIVersion?: Version | undefined }): string {
  const newest = compare(theirs.ApiVersion, API.most) < 0 ? theirs.ApiVersion : API.most;
  const oldest = theirs.MinAPIVersion !== undefined && compare(theirs.MinAPIVersion, API.least) > 0 ? theirs.MinAPIVersion : API.least;
  if (compare(newest, oldest) >= 0) return shown(newest);
  const older = compare(theirs.ApiVersion, API.least) < 0;
  throw new EngineFailure(
    `its API is ${shown(theirs.ApiVersion)}, and this runner speaks ${shown(API.least)} to ${shown(API.most)}: upgrade the ${older ? 'engine' : 'runner'}`,
    null,
  );
}

export interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  query?: Record<string, string>;
  /** sent as JSON, or bytes as they are */
  body?: object | Uint8Array;
  signal?: AbortSignal;
}

/** How requests reach an engine. @returns the answer, once its head is there */
export type Carry = (call: Call) => Promise<IncomingMessage>;

const SENTENCES: Record<string, string> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nothing listens there: start it, with “systemctl --user start podman.socket” or “systemctl start docker” say',
  EACCES: 'the runner’s user may not use it',
};

/** @param socket path of the engine's socket */
export const carryTo =
  (socket: string): Carry =>
  ({ method, path, query = {}, body, signal }) =>
    new Promise((resolve, reject) => {
      const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
      const type = body instanceof Uint8Array ? 'application/x-tar' : 'application/json';
      const search = new URLSearchParams(query).toString();
      const asked = request({
        // A connection each: one that is kept ends unnoticed when the engine is restarted.
        ...{ socketPath: socket, agent: false, method, path: search === '' ? path : `${path}?${search}` },
        headers: { host: 'engine', ...(bytes === undefined ? {} : { 'content-type': type, 'content-length': bytes.byteLength }) },
        ...(signal === undefined ? {} : { signal }),
      });
      asked.on('response', resolve);
      asked.on('error', (error: NodeJS.ErrnoException) =>
        reject(
          new EngineFailure(`The container engine at ${socket} can’t be reached: ${SENTENCES[error.code ?? ''] ?? error.message}`, null),
        ),
      );
      asked.end(bytes);
    });

/** All of an answer. @throws EngineFailure when it breaks off or is too long */
async function bytesOf(answer: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      length += piece.byteLength;
      if (length > MOST_ANSWER) throw new Error('it is too long');
      pieces.push(piece);
    }
  } catch (error) {
    throw new EngineFailure(`The container engine’s answer broke off: ${messageOf(error)}`, null);
  }
  return Buffer.concat(pieces);
}

const fault = z.object({ message: z.string() });

export class Engine {
  readonly name: 'Docker' | 'Podman';
  readonly version: string;
  /** it runs as an ordinary user, and so does what breaks out of it */
  readonly isRootless: boolean;
  /** what it says that it can hold containers to */
  readonly claims: readonly Controller[];
  /** what it can: an engine of an ordinary user says more than it is given, until that is tried */
  controls: Controller[];
  /** path of its socket */
  readonly socket: string;
  readonly #api: string;
  readonly #carry: Carry;

  private constructor(socket: string, carry: Carry, api: string, facts: { about: z.infer<typeof version>; can: z.infer<typeof info> }) {
    const { about, can } = facts;
    [this.socket, this.#carry, this.#api] = [socket, carry, api];
    this.name = about.Components.some(({ Name }) => Name === 'Podman Engine') ? 'Podman' : 'Docker';
    this.version = about.Version;
    this.isRootless = can.Rootless || can.SecurityOptions.some((option) => option.split(',').includes('name=rootless'));
    const known = { memory: can.MemoryLimit, pids: can.PidsLimit, cpu: can.CpuCfsQuota };
    this.claims = CONTROLLERS.filter((controller) => known[controller]);
    this.controls = this.isRootless ? [] : [...this.claims];
  }

  /** "Podman 4.3.1, rootless, at /run/…" */
  get words(): string {
    return `${this.name} ${this.version}${this.isRootless ? ', rootless,' : ''} at ${this.socket}`;
  }

  /** @throws EngineFailure with why it can't be used */
  static async at(socket: string, carry: Carry = carryTo(socket)): Promise<Engine> {
    const ask = async <T extends z.ZodType>(path: string, schema: T): Promise<z.infer<T>> => {
      const answer = await carry({ method: 'GET', path, signal: AbortSignal.timeout(WITHIN_MS) });
      const parsed = schema.safeParse(jsonOf(await bytesOf(answer)));
      if (parsed.success) return parsed.data;
      throw new EngineFailure(`What answers at ${socket} is no container engine (${path})`, answer.statusCode ?? null);
    };
    const about = await ask('/version', version);
    if (about.Os !== 'linux') throw new EngineFailure(`The container engine at ${socket} runs ${about.Os} containers`, null);
    let api: string;
    try {
      api = negotiate(about);
    } catch (error) {
      throw new EngineFailure(`The container engine at ${socket} can’t be used: ${messageOf(error)}`, null);
    }
    return new Engine(socket, carry, api, { about, can: await ask(`/v${api}/info`, info) });
  }

  /** @returns the answer as it comes @throws EngineFailure with what the engine refuses */
  async open(call: Call): Promise<IncomingMessage> {
    const answer = await this.#carry({ ...call, path: `/v${this.#api}${call.path}` });
    const status = answer.statusCode ?? 0;
    // 304: it is so already
    if ((status >= 200 && status < 300) || status === 304) return answer;
    const text = (await bytesOf(answer)).toString();
    const said = fault.safeParse(jsonOf(text));
    throw new EngineFailure(`${this.name} answers ${status}: ${said.success ? said.data.message : text.slice(0, 300)}`, status);
  }

  /** @throws EngineFailure with what the engine refuses */
  async bytes(call: Call): Promise<Buffer> {
    return bytesOf(await this.open({ signal: AbortSignal.timeout(WITHIN_MS), ...call }));
  }

  /** @throws EngineFailure with what the engine refuses, or when it answers something else */
  async ask<T extends z.ZodType>(schema: T, call: Call): Promise<z.infer<T>> {
    const parsed = schema.safeParse(jsonOf(await this.bytes(call)));
    if (parsed.success) return parsed.data;
    throw new EngineFailure(`${this.name} answers ${call.path} with what this runner does not understand`, null);
  }
}

function jsonOf(text: Buffer | string): unknown {
  try {
    return JSON.parse(text.toString()) as unknown;
  } catch {
    return undefined;
  }
}

/** Each line of an answer that comes piece by piece, as JSON. */
export async function* linesOf(answer: IncomingMessage): AsyncGenerator {
  let rest = '';
  answer.setEncoding('utf8');
  for await (const piece of answer as AsyncIterable<string>) {
    rest += piece;
    if (rest.length > MOST_ANSWER) throw new EngineFailure('The container engine’s answer is too long', null);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield jsonOf(line);
  }
  if (rest.trim() !== '') yield jsonOf(rest);
}
