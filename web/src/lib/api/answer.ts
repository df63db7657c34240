import type { ClientResponse } from 'hono/client';
import type { z } from 'zod';
import { ApiProblem } from './problem.ts';

/** What an operation answers, which must be what the schema is for. */
type Answer<S extends z.ZodType> = Promise<ClientResponse<z.input<S>, number, 'json'>>;

/** A thing with the version that a later change must name. */
export interface Versioned<T> {
  value: T;
  etag: string;
}

/** The body of an answer, parsed. @throws ApiProblem, also for an answer of another shape than agreed */
export async function read<S extends z.ZodType>(asked: Answer<S>, schema: S): Promise<z.output<S>> {
  return parse(await asked, schema);
}

/** Like `read`, for resources with an ETag. @throws ApiProblem */
export async function readVersioned<S extends z.ZodType>(asked: Answer<S>, schema: S): Promise<Versioned<z.output<S>>> {
  const response = await asked;
  return { value: await parse(response, schema), etag: response.headers.get('etag') ?? '' };
}

async function parse<S extends z.ZodType>(response: Awaited<Answer<S>>, schema: S): Promise<z.output<S>> {
  const parsed = schema.safeParse(await response.json().catch(() => undefined));
  if (parsed.success) return parsed.data;
  throw new ApiProblem('internal', 'The answer is not what this page expects. It may be out of date: reload it.', {
    requestId: response.headers.get('x-request-id'),
    cause: parsed.error,
  });
}
