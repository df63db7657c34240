import { browserKey, type BrowserKey } from '@gatehouse/core/protocol/connection.ts';
import type { CryptoKey } from '@gatehouse/core/protocol/crypto-key.ts';
import { DPOP_HEADER, signDpop } from '@gatehouse/core/protocol/dpop.ts';

/** A browser's key, as the page has it. */
export interface BrowserKeyPair {
  publicKey: BrowserKey;
  privateKey: CryptoKey;
}

export async function makeBrowserKey(): Promise<BrowserKeyPair> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  return { publicKey: browserKey.parse(await crypto.subtle.exportKey('jwk', pair.publicKey)), privateKey: pair.privateKey };
}

/** Where a browser shows that it holds its key: where a session begins, is bound, and opens a workspace. */
const PROVED = /^\/(?:signup|login(?:\/.*)?|invitations\/accept|me\/session\/key|workspaces\/[^/]+\/(?:attach|apps\/[^/]+\/open))$/;

/**
 * A person at the local API, as a page would be: own origin, own cookie, own browser's key. It is a program that
 * imitates a browser: what that can do, and what narrows it, is in docs/security-model.md.
 */
export class Person {
  readonly #origin: string;
  #cookie: string;
  #key: Promise<BrowserKeyPair> | null = null;

  /** @param cookie of a session that a browser has begun */
  constructor(origin: string, cookie = '') {
    this.#origin = origin;
    this.#cookie = cookie;
  }

  get cookie(): string {
    return this.#cookie;
  }

  /** of its browser, made when it is first wanted; sessions that it begins are bound to it */
  get key(): Promise<BrowserKeyPair> {
    this.#key ??= makeBrowserKey();
    return this.#key;
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
        ...(method === 'POST' && PROVED.test(path) ? await this.#proof(method, path, headers['Origin'] ?? this.#origin) : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const cookie = response.headers.getSetCookie().find((each) => each.startsWith('__Host-gatehouse='));
    if (cookie) this.#cookie = cookie.split(';')[0] ?? '';
    return response;
  }

  async #proof(method: string, path: string, origin: string): Promise<Record<string, string>> {
    return { [DPOP_HEADER]: await signDpop(await this.key, { method, url: `${origin}/api/v1${path}`, now: Date.now() }) };
  }
}

/** The secret in the newest local mail to that address: the fragment of its link. */
export async function mailedSecret(origin: string, to: string): Promise<string> {
  const { items } = await new Person(origin).call<{ items: Array<{ to: string; text: string }> }>('GET', '/local/mails');
  const secret = items.find((mail) => mail.to === to)?.text.match(/#(\S+)/)?.[1];
  if (secret === undefined) throw new Error(`No mail to ${to}`);
  return secret;
}
