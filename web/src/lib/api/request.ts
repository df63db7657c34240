import type { z } from 'zod';
import { ApiProblem, problemOf } from './problem.ts';

const BASE = '/api/v1';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Call {
  body?: unknown;
  query?: Record<string, string | number | boolean | undefined>;
  /** the ETag that was seen: the change is refused when somebody else was faster */
  ifMatch?: string;
  signal?: AbortSignal;
}

/** Dispatches `signed-out` when an answer says that the session is over. */
export const sessionEvents = new EventTarget();

/** The same-origin address of an API path. */
export function address(path: string, query: Call['query'] = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value));
  return params.size === 0 ? BASE + path : `${BASE}${path}?${params}`;
}

/** Sends a request. @throws ApiProblem for every refusal, and when no answer comes; AbortError when aborted */
export async function send(method: Method, path: string, { body, query, ifMatch, signal }: Call = {}): Promise<Response> {
  const headers = new Headers({ accept: 'application/json' });
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (ifMatch !== undefined) headers.set('if-match', ifMatch);
  let response: Response;
  try {
    response = await fetch(address(path, query), {
      method,
      headers,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiProblem('unavailable', 'Gatehouse can’t be reached. Check your connection, then try again.', {
      title: 'No connection',
      cause,
    });
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.code === 'not-signed-in') sessionEvents.dispatchEvent(new Event('signed-out'));
  throw problem;
}

async function read<S extends z.ZodType>(response: Response, schema: S): Promise<z.output<S>> {
  const parsed = schema.safeParse(await response.json().catch(() => undefined));
  if (parsed.success) return parsed.data;
  throw new ApiProblem('internal', 'The answer is not what this page expects. It may be out of date: reload it.', {
    requestId: response.headers.get('x-request-id'),
    cause: parsed.error,
  });
}

/** A request whose answer has a body. @throws ApiProblem */
export async function request<S extends z.ZodType>(method: Method, path: string, schema: S, call: Call = {}): Promise<z.output<S>> {
  return read(await send(method, path, call), schema);
}

/** A thing with the version that a later change must name. */
export interface Versioned<T> {
  value: T;
  etag: string;
}

/** Like `request`, for resources with an ETag. @throws ApiProblem */
export async function requestVersioned<S extends z.ZodType>(
  method: Method,
  path: string,
  schema: S,
  call: Call = {},
): Promise<Versioned<z.output<S>>> {
  const response = await send(method, path, call);
  return { value: await read(response, schema), etag: response.headers.get('etag') ?? '' };
}
