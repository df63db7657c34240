import { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';
import { problem } from '@gatehouse/core/api/common.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { SUBPROTOCOL } from '@gatehouse/core/protocol/frame.ts';
import type { RequestFacts, Services, UserContext } from './context.ts';

/** What the middleware leaves for handlers. `anonymous` is there on every request, `signedIn` behind `session`. */
export interface Variables {
  services: Services;
  request: RequestFacts;
  signedIn: UserContext;
  /** who asks, asked anew: for answers that last; throws once the session or token has ended */
  askAgain: () => Promise<UserContext>;
}
export interface HonoEnv {
  Variables: Variables;
}

/** A capability's routes. Input that does not parse becomes `invalid` with a path for each fault. */
export function routes(): OpenAPIHono<HonoEnv> {
  return new OpenAPIHono<HonoEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      throw new AppError('invalid', 'Some of the input is wrong', {
        errors: result.error.issues.slice(0, 20).map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
      });
    },
  });
}

/** Named in the API's description; a clone, since core made its schemas before they could be named. */
const namedProblem = problem.clone().openapi('Problem');

/** Answers a route declares beside its own: every problem has this shape. */
export const problems = {
  default: { description: 'A problem (RFC 9457)', content: { 'application/problem+json': { schema: namedProblem } } },
} as const;

export const json = <T extends z.ZodType>(schema: T, description = 'Done') => ({
  description,
  content: { 'application/json': { schema } },
});
export const body = <T extends z.ZodType>(schema: T) => ({ body: { required: true, content: { 'application/json': { schema } } } });
export const noContent = { description: 'Done' } as const;

/** Answers of a route that becomes a WebSocket. */
export const socket = { 101: { description: 'WebSocket' }, ...problems } as const;

/** @throws AppError `upgrade-required` */
export function requireUpgrade(request: Request): void {
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket')
    throw new AppError('upgrade-required', 'Open this address as a WebSocket');
}

/**
 * Version of the connection's protocol for a runner that offers those (Sec-WebSocket-Protocol). One that offers none is
 * of a release that named none: version 1, and nothing is echoed, since a client may refuse what it did not offer.
 * @throws AppError `version-unsupported`
 */
export function versionFor(offered: string | undefined): string | null {
  if (offered === undefined) return null;
  if (offered.split(',').some((each) => each.trim() === SUBPROTOCOL)) return SUBPROTOCOL;
  throw new AppError('version-unsupported', `This Gatehouse speaks ${SUBPROTOCOL}, and was offered ${offered.slice(0, 100)}`);
}

/** Parses `If-Match: "12"`. @throws AppError `precondition-required`, `stale-version` for what was never ours */
export function revisionOf(ifMatch: string | undefined): number {
  if (ifMatch === undefined) throw new AppError('precondition-required', 'Send If-Match with the ETag of what you changed');
  const match = /^"(\d{1,9})"$/.exec(ifMatch);
  if (!match) throw new AppError('stale-version', 'That ETag is not one of this resource');
  return Number(match[1]);
}
export const etag = (revision: number): string => `"${revision}"`;

/** Opaque cursor of a keyset page: the values of the sort key of the last row. */
export const encodeCursor = (keys: ReadonlyArray<string | number>): string =>
  btoa(JSON.stringify(keys)).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_');

/** @throws AppError `invalid` for a cursor that is not one of this list */
export function decodeCursor<T extends z.ZodType>(cursor: string, keys: T): z.infer<T> {
  try {
    return keys.parse(JSON.parse(atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))));
  } catch {
    throw new AppError('invalid', 'The cursor is not one of this list', {
      errors: [{ path: 'cursor', message: 'is not one of this list' }],
    });
  }
}

/** The keyset of lists that are ordered by id, which is by time: `after` is empty on the first page. */
export const keysetPage = ({ limit, cursor }: { limit: number; cursor?: string | undefined }): { limit: number; after: string } => ({
  limit,
  after: cursor === undefined ? '' : decodeCursor(cursor, z.tuple([z.string()]))[0],
});

/** Cuts a page that was read with one row too many, and says where the next begins. */
export function pageOf<Row, Item>(
  rows: Row[],
  limit: number,
  item: (row: Row) => Item,
  keys: (row: Row) => Array<string | number>,
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(item), nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keys(last)) : null };
}
