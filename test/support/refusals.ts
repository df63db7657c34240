import { expect } from 'vitest';
import { BUILT_IN_ROLES, type BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import type { IdKind } from '@gatehouse/core/ids.ts';
import { ERRORS } from '@gatehouse/core/errors.ts';
import { proofHeader } from './browser-key.ts';
import { addUser, call, problem, type Answer, type Person, type Tenant } from './tenants.ts';

/**
 * One line for each route: how to call it in a well-formed way, and who may. The suite in
 * test/worker/refusals.test.ts derives from it every refusal that the route owes.
 */
export interface RouteCase {
  /** who gets past the permission check; `signed in`: everybody of the organisation; `open`: needs no session */
  who: readonly BuiltInRole[] | 'signed in' | 'open';
  /** a body that the route's schema accepts */
  body?: Record<string, unknown>;
  /** what a GET needs to be well-formed: `?q=a` */
  query?: string;
  /** it comes with the proof of the browser's key */
  proved?: true;
  /** sent besides; `Authorization` makes the request one that has no origin */
  headers?: Record<string, string>;
  /** what `:id` names, where a route has it, … */
  id?: IdKind;
  /** what stands for the other parameters of its path */
  rest?: Record<string, string>;
  /** … and how to make one in the given organisation, to show that another one’s answers as if it were not there */
  make?: (tenant: Tenant) => Promise<string>;
  /** only for a person in a browser: no API token does it */
  browser?: true;
  /** says nothing that needs a permission: a token without any scope may ask */
  anyToken?: true;
  /** roles that may not even know that it exists, and so are told 404 instead of 403 */
  blind?: readonly BuiltInRole[];
}

export const ROLES = Object.keys(BUILT_IN_ROLES) as BuiltInRole[];
/** Roles that a route must refuse. */
export const refusedRoles = ({ who }: RouteCase): BuiltInRole[] =>
  typeof who === 'string' ? [] : ROLES.filter((role) => !who.includes(role));

export const isChange = (route: string): boolean => !route.startsWith('GET ');

/** Somebody of each role in that organisation. */
export async function crewOf(tenant: Tenant): Promise<Record<BuiltInRole, Person>> {
  const entries = ROLES.map(async (role) => [role, await addUser(tenant, role === 'member' ? [] : [role])] as const);
  return Object.fromEntries(await Promise.all(entries)) as Record<BuiltInRole, Person>;
}

/** Calls a route as its line says, but for what is overridden. */
export async function callRoute(
  route: string,
  line: RouteCase,
  id: string,
  other: { cookie?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const [method = '', path = ''] = route.split(' ');
  const body = 'body' in other ? other.body : line.body;
  const filled = path.replace('/api/v1', '').replaceAll(/:(\w+)/g, (_, name: string) => line.rest?.[name] ?? id);
  const address = `${filled}${line.query ?? ''}`;
  const proof = line.proved ? await proofHeader(method, address) : {};
  return call(method, address, {
    ...(other.cookie === undefined ? {} : { cookie: other.cookie }),
    ...(body === undefined ? {} : { body }),
    headers: { ...proof, ...line.headers, ...other.headers },
  });
}

/** A refusal is a problem document (RFC 9457) with a code of the closed list, the request's id, and no word of our insides. */
export function expectProblem(answer: Answer, status: number | readonly number[], code?: string): void {
  const allowed = typeof status === 'number' ? [status] : status;
  expect(allowed, JSON.stringify(answer.body)).toContain(answer.status);
  const document = problem(answer);
  expect(answer.headers.get('Content-Type')).toBe('application/problem+json');
  expect(Object.keys(ERRORS)).toContain(document.code);
  expect(document).toMatchObject({ status: answer.status, requestId: answer.headers.get('X-Request-Id'), title: expect.any(String) });
  if (code !== undefined) expect(document.code).toBe(code);
  expect(JSON.stringify(document)).not.toMatch(/SQLITE|D1_ERROR|\bat .+\.ts:|SELECT |INSERT /);
}

/** The body with each of its texts, wherever it stands, in turn made by `change`. */
export function withEachText(value: unknown, change: (text: string) => string): unknown[] {
  if (typeof value === 'string') return [change(value)];
  if (Array.isArray(value))
    return value.flatMap((item, index) =>
      withEachText(item, change).map((changed) => value.map((old, at) => (at === index ? changed : old))),
    );
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) => withEachText(item, change).map((changed) => ({ ...value, [key]: changed })));
}
