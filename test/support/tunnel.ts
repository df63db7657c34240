import { exports } from 'cloudflare:workers';
import { templateDetail } from '@gatehouse/core/api/templates.ts';
import { appOpened } from '@gatehouse/core/api/apps.ts';
import { appHost } from '@gatehouse/core/apps/host.ts';
import { challengeText } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeControl, encodeFrame, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { toTunnel, tunnelOpen, tunnelPath, type FromTunnel, type TunnelHead, type TunnelOpen } from '@gatehouse/core/protocol/tunnel.ts';
import { proofHeader } from './browser-key.ts';
import { openSocket, TestSocket, type EnrolledRunner } from './runners.ts';
import type { Site } from './site.ts';
import { api, ORIGIN, read, type Answer, type Person } from './tenants.ts';

export const DOMAIN = new URL(ORIGIN).host;

/** A runner's tunnel, proved: what the object asks, and how to answer. */
export async function connectTunnel(runner: EnrolledRunner, workspaceId: string, signedBy = runner) {
  const path = `/runner/workspaces/${workspaceId}/apps`;
  const { socket, response } = await openSocket(path, { Authorization: `Bearer ${runner.token}` });
  if (!socket) throw new Error(`The tunnel was refused: ${response.status}`);
  const tunnel = new TestSocket(socket, (data) => decodeFrame((data as ArrayBuffer).slice(0)));
  const said = async () => toTunnel.parse(decodeJson((await tunnel.next()).payload));
  const challenge = await said();
  if (challenge.kind !== 'challenge') throw new Error(`Expected a challenge, not ${challenge.kind}`);
  const say = (message: FromTunnel): void => socket.send(encodeControl(message));
  say({ kind: 'proof', signature: await signedBy.keys.sign(challengeText(challenge.nonce, tunnelPath(workspaceId))) });
  const send = (type: Frame['type'], stream: number, more: { offset?: number; payload?: Uint8Array } = {}): void =>
    socket.send(encodeFrame({ type, stream, sealed: false, viewer: 0, offset: 0, payload: new Uint8Array(), ...more }));
  return {
    tunnel,
    said,
    say,
    send,
    /** the next request */
    opened: async (): Promise<{ stream: number; open: TunnelOpen }> => {
      const { stream, payload } = await tunnel.until(({ type }) => type === 'open');
      return { stream, open: tunnelOpen.parse(decodeJson(payload)) };
    },
    head: (stream: number, head: TunnelHead): void => send('head', stream, { payload: encodeJson(head) }),
    /** a whole answer */
    answer: (stream: number, text: string, headers: Array<[string, string]> = []): void => {
      send('head', stream, { payload: encodeJson({ ok: true, status: 200, headers }) });
      send('data', stream, { payload: new TextEncoder().encode(text) });
      send('fin', stream);
    },
  };
}

export interface AppSpec {
  name: string;
  port: number;
  share?: 'owner' | 'tenant';
}

/** Gives the site's template these apps; workspaces that are made from then on have them. */
export async function nameApps(site: Site, apps: AppSpec[]): Promise<void> {
  const owner = api(site.tenant.owner);
  const { spec } = read(await owner.get(`/templates/${site.templateId}`), templateDetail);
  const answer = await owner.post(`/templates/${site.templateId}/versions`, { spec: { ...spec, apps } });
  if (answer.status !== 201) throw new Error(`The version was refused: ${JSON.stringify(answer.body)}`);
}

/** As the page of that person's browser asks. */
export async function askToOpen(
  person: Pick<Person, 'cookie'>,
  id: string,
  label: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const path = `/workspaces/${id}/apps/${label}/open`;
  return api(person).post(path, undefined, { 'Sec-Fetch-Site': 'same-origin', ...(await proofHeader('POST', path)), ...headers });
}

/** A browser on an app's own host. */
export class Visitor {
  readonly origin: string;
  cookie = '';

  constructor(workspaceId: string, label: string) {
    this.origin = `https://${appHost({ label, workspaceId }, DOMAIN)}`;
  }

  /** @param headers `Sec-Fetch-Site` is that of the app's own page unless it is given */
  async ask(path: string, { headers, ...init }: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
    const all = {
      'Sec-Fetch-Site': 'same-origin',
      Origin: this.origin,
      ...(this.cookie === '' ? {} : { Cookie: this.cookie }),
      ...headers,
    };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
    return exports.default.fetch(new Request(`${this.origin}${path}`, { redirect: 'manual', ...init, headers: given }));
  }

  async enter(code: string): Promise<Response> {
    const body = JSON.stringify({ code });
    const headers = { 'Content-Type': 'application/json', 'Content-Length': String(body.length) };
    const entered = await this.ask('/.gatehouse/enter', { method: 'POST', body, headers });
    this.cookie = entered.headers.get('Set-Cookie')?.split(';')[0] ?? '';
    return entered;
  }
}

/** Opens an app and enters it. */
export async function visit(person: Pick<Person, 'cookie'>, workspaceId: string, label: string): Promise<Visitor> {
  const { url } = read(await askToOpen(person, workspaceId, label), appOpened);
  const visitor = new Visitor(workspaceId, label);
  const entered = await visitor.enter(new URL(url).hash.slice(1));
  if (entered.status !== 204) throw new Error(`The code was refused: ${entered.status} ${await entered.text()}`);
  return visitor;
}
