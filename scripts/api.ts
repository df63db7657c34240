/** A person at the local API, as a page would be: own origin, own cookie. */
export class Person {
  readonly #origin: string;
  #cookie: string;

  /** @param cookie of a session that a browser has begun */
  constructor(origin: string, cookie = '') {
    this.#origin = origin;
    this.#cookie = cookie;
  }

  get cookie(): string {
    return this.#cookie;
  }

  /** @throws Error with the problem's words */
  async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const response = await this.ask(method, path, body, headers);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** The answer, whatever it is. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(`${this.#origin}/api/v1${path}`, {
      method,
      headers: {
        Origin: this.#origin,
        Cookie: this.#cookie,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const cookie = response.headers.getSetCookie().find((each) => each.startsWith('__Host-gatehouse='));
    if (cookie) this.#cookie = cookie.split(';')[0] ?? '';
    return response;
  }
}

/** The secret in the newest local mail to that address: the fragment of its link. */
export async function mailedSecret(origin: string, to: string): Promise<string> {
  const { items } = await new Person(origin).call<{ items: Array<{ to: string; text: string }> }>('GET', '/local/mails');
  const secret = items.find((mail) => mail.to === to)?.text.match(/#(\S+)/)?.[1];
  if (secret === undefined) throw new Error(`No mail to ${to}`);
  return secret;
}
