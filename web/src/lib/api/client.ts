import type { AppType } from '@gatehouse/api';
import { hc, type PickResponseByStatusCode } from 'hono/client';
import { ApiProblem, problemOf } from './problem.ts';
import { heardDate } from './server-clock.ts';

/** Dispatches `signed-out` when an answer says that the session is over, `second-factor` when one must be set up first. */
export const sessionEvents = new EventTarget();

/** Fetches. @throws ApiProblem for every refusal, and when no answer comes; AbortError when aborted */
const ask: typeof fetch = async (input, init) => {
  let response: Response;
  try {
    response = await fetch(input, init);
  } catch (cause) {
    if (init?.signal?.aborted) throw cause;
    throw new ApiProblem('unavailable', 'Gatehouse can’t be reached. Check your connection, then try again.', {
      title: 'No connection',
      cause,
    });
  }
  heardDate(response.headers.get('date'));
  if (response.ok) return response;
  throw await problemOf(response);
};

/** Fetches what somebody asked for: where the session is over, the page leads to sign-in. */
export const fetchAnswer: typeof fetch = async (input, init) => {
  try {
    return await ask(input, init);
  } catch (thrown) {
    const code = thrown instanceof ApiProblem ? thrown.code : null;
    if (code === 'not-signed-in') sessionEvents.dispatchEvent(new Event('signed-out'));
    if (code === 'second-factor-required') sessionEvents.dispatchEvent(new Event('second-factor'));
    throw thrown;
  }
};

/** The API as its callers meet it: `fetchAnswer` throws the problems, so that only what succeeds is left. */
type Answering = PickResponseByStatusCode<AppType, 101 | 200 | 201 | 202 | 204>;

/** Every operation of the API, by path and method: `api.templates[':id'].$get(at(id))`. Same origin, with its cookie. */
export const api = hc<Answering>('', { fetch: fetchAnswer, headers: { Accept: 'application/json' } }).api.v1;

/** What a page asks on its own beside somebody's work, which goes on when the session is over: it leads nowhere. */
export const quietApi = hc<Answering>('', { fetch: ask, headers: { Accept: 'application/json' } }).api.v1;

/** The path of one thing. hc puts parameters into the path as they are; an id from the address bar may be anything. */
export const at = (id: string) => ({ param: { id: encodeURIComponent(id) } });

export interface Call {
  signal?: AbortSignal;
}

/** What hc takes as its options, of a call that may be aborted. */
export const abortable = ({ signal }: Call) => (signal === undefined ? {} : { init: { signal } });
