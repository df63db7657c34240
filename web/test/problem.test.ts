import { render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sessionEvents } from '../src/lib/api/client.ts';
import { ApiProblem } from '../src/lib/api/problem.ts';
import * as templates from '../src/lib/api/templates.ts';
import { get as ask } from '../src/lib/api/tenant.ts';
import { connectUrl, list as listWorkspaces } from '../src/lib/api/workspaces.ts';
import Problem from '../src/lib/components/Problem.svelte';
import { answerWith, jsonAnswer, problemAnswer } from './api.ts';

const problemOf = (asked: Promise<unknown>) =>
  asked.then(
    () => expect.fail('it should have been refused'),
    (thrown: unknown) => thrown as ApiProblem,
  );

afterEach(() => vi.unstubAllGlobals());

describe('a refused request', () => {
  it('carries code, words, fields, request id and patience of the problem document', async () => {
    answerWith(() => problemAnswer('rate-limited', 'Too many.', { retryAfter: 30, errors: [{ path: 'a', message: 'is wrong' }] }));
    expect(await problemOf(ask())).toMatchObject({
      code: 'rate-limited',
      message: 'Too many.',
      requestId: 'req_test',
      retryAfter: 30,
      errors: [{ path: 'a', message: 'is wrong' }],
    });
  });

  it('is a problem too when the answer is no problem document', async () => {
    answerWith(() => new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'x-request-id': 'req_edge' } }));
    expect(await problemOf(ask())).toMatchObject({ code: 'internal', requestId: 'req_edge' });
  });

  it('is a problem too when an answer has another shape than agreed', async () => {
    answerWith(() => jsonAnswer({ name: 7 }));
    expect(await problemOf(ask())).toMatchObject({ code: 'internal' });
  });

  it('is a problem too when there is no connection', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    expect(await problemOf(ask())).toMatchObject({ code: 'unavailable', requestId: null });
  });

  it('tells the frame when the session is over', async () => {
    const told = vi.fn();
    sessionEvents.addEventListener('signed-out', told, { once: true });
    answerWith(() => problemAnswer('not-signed-in', 'Sign in first.'));
    await problemOf(ask());
    expect(told).toHaveBeenCalledOnce();
  });
});

describe('a change', () => {
  it('names the version that was seen, and learns the new one', async () => {
    const saved = { items: [], reach: { view: 1, use: 1, admin: 1 } };
    const fetched = vi.fn(async (_url: string, _init: RequestInit) => new Response(JSON.stringify(saved), { headers: { etag: '"2"' } }));
    vi.stubGlobal('fetch', fetched);
    expect(await templates.putAcl('x', { items: [] }, '"1"')).toEqual({ value: saved, etag: '"2"' });
    const [url, init] = fetched.mock.calls[0] ?? [];
    expect([init?.method, url, init?.body]).toEqual(['PUT', '/api/v1/templates/x/acl', '{"items":[]}']);
    expect(new Headers(init?.headers).get('if-match')).toBe('"1"');
  });
});

describe('the address of a request', () => {
  it('carries what a list is asked for', async () => {
    const asked = answerWith(() => jsonAnswer({ items: [], nextCursor: null }));
    await listWorkspaces({ all: true });
    expect(asked.mock.calls[0]?.[0].path).toBe('/api/v1/workspaces?limit=100&all=true');
  });

  it('stays inside its operation, whatever stands for an id', async () => {
    const asked = answerWith(() => new Response(null, { status: 204 }));
    await templates.remove('../users?x#y');
    expect(asked.mock.calls[0]?.[0].path).toBe('/api/v1/templates/..%2Fusers%3Fx%23y');
    expect(connectUrl('../users').href).toBe('ws://localhost:3000/api/v1/workspaces/..%2Fusers/connect');
  });

  it('is given up when its page is left', async () => {
    const left = new AbortController();
    vi.stubGlobal('fetch', (_url: string, init: RequestInit) => {
      left.abort();
      return init.signal?.aborted ? Promise.reject(left.signal.reason as Error) : Promise.resolve(jsonAnswer({}));
    });
    expect(await problemOf(ask({ signal: left.signal }))).toMatchObject({ name: 'AbortError' });
  });
});

describe('a problem on the page', () => {
  it('says what happened, when to try again and the request id', () => {
    render(Problem, { problem: new ApiProblem('unavailable', 'The log can’t be read.', { requestId: 'req_7', retryAfter: 60 }) });
    const words = screen.getByRole('alert').textContent;
    expect(words).toContain('Not available right now');
    expect(words).toContain('The log can’t be read.');
    expect(words).toContain('Try again in 60 seconds.');
    expect(words).toContain('req_7');
  });

  it('lists wrong input that belongs to no field of the page', () => {
    render(Problem, {
      problem: new ApiProblem('invalid', 'Some of it is wrong.', { errors: [{ path: 'items.0.role', message: 'is unknown' }] }),
    });
    expect(screen.getByText('items.0.role')).toBeTruthy();
  });
});
