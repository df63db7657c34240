import { appEntry } from '@gatehouse/core/api/apps.ts';
import { findApp } from '@gatehouse/core/api/template-apps.ts';
import { parseAppHost, type AppPlace } from '@gatehouse/core/apps/host.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import { locateCredential } from '../platform/credential.ts';
import { originOf } from '../platform/origin.ts';
import { appCookie, cookieLine, credentialIn } from './app-cookie.ts';
import { REFUSAL_HEADER, type DoorRefusal } from './app-door.ts';
import { enterApp } from './app-entry.ts';
import { answerPage, enterPage, type AppPage } from './app-pages.ts';
import { appOrigin, ENTER_PATH } from './apps.ts';
import { findWorkspace, type WorkspaceRow } from './workspaces.store.ts';

/** What is below it is the service's, and never reaches an app. */
const OWN = '/.gatehouse/';
const MOST_CODE = 1024;

interface Visit {
  services: Services;
  request: Request;
  place: AppPlace;
  /** of the app's host */
  origin: string;
  host: string;
}

/** Serves an app's own host: the way in, and behind it whatever the app answers. */
export async function serveApp(services: Services, request: Request): Promise<Response> {
  const { settings } = services;
  const url = new URL(request.url);
  const place = settings.APPS_DOMAIN === null ? null : parseAppHost(url.host, settings.APPS_DOMAIN);
  if (place === null) return answerPage(request, { status: 404, title: 'No app has this address', text: 'Look whether it is complete.' });
  const visit = { services, request, place, origin: appOrigin(settings.ORIGIN, url.host), host: url.host };
  if (url.pathname.startsWith(OWN)) return serveOwn(visit, url.pathname);
  const credential = credentialIn(settings, url.host, request.headers.get('Cookie'));
  const located = credential === null ? null : await locateCredential(services, 'app', credential);
  if (credential === null || !located) return foreignness(visit) === null ? sendToSignIn(visit) : answerPage(request, FOREIGN);
  try {
    const answer = await services.workspaces.askApp(located.db.shard, place.workspaceId, request, {
      kind: 'request',
      cookieHash: located.hash,
      renewal: cookieLine(appCookie(settings, url.host, credential)),
      label: place.label,
      origin: visit.origin,
      ip: originOf(request, settings.ENVIRONMENT).ip,
      refused: foreignness(visit),
    });
    const refused = answer.headers.get(REFUSAL_HEADER) as DoorRefusal | null;
    if (refused === null) return answer;
    const workspace = await findWorkspace(located.db, place.workspaceId);
    return refusal(visit, refused, await answer.text(), workspace);
  } catch (error) {
    services.log('warn', 'a web app could not be asked', { error: String(error) });
    return answerPage(request, { ...UNREACHABLE, again: 3 });
  }
}

/** The service's own few addresses on an app's host. */
async function serveOwn(visit: Visit, path: string): Promise<Response> {
  const { services, request, place, host } = visit;
  const { settings } = services;
  if (path === ENTER_PATH && request.method === 'GET') return enterPage(place.label, handOver(visit, ''));
  const isOwn = request.headers.get('Sec-Fetch-Site') === 'same-origin';
  if (path === `${OWN}here` && isOwn) {
    return new Response(null, { status: credentialIn(settings, host, request.headers.get('Cookie')) === null ? 401 : 204 });
  }
  if (path !== ENTER_PATH || request.method !== 'POST') return new Response('Not found\n', { status: 404 });
  if (!isOwn || request.headers.get('Origin') !== visit.origin) return answerPage(request, FOREIGN);
  const text = Number(request.headers.get('Content-Length') ?? Infinity) > MOST_CODE ? '' : await request.text();
  const entry = appEntry.safeParse(parseJson(text));
  const facts: RequestFacts = {
    ...{ id: services.newId('request'), method: 'POST', route: `<app>${ENTER_PATH}` },
    origin: originOf(request, settings.ENVIRONMENT),
  };
  const credential = entry.success ? await enterApp(services, facts, place, entry.data.code) : null;
  if (credential === null) return new Response('This link to the app was used already or is too old. Open the app again.', { status: 403 });
  return new Response(null, {
    status: 204,
    headers: { 'Set-Cookie': cookieLine(appCookie(settings, host, credential)), 'Cache-Control': 'no-store' },
  });
}

/**
 * Why a request is not the app's own page's, nor somebody's who opens it; null: it is. A WebSocket is no fetch, so its origin
 * is looked at; every other request of a browser says where it comes from.
 */
function foreignness({ request, origin }: Visit): string | null {
  const header = (name: string) => request.headers.get(name);
  if (header('Upgrade')?.toLowerCase() === 'websocket') return header('Origin') === origin ? null : FOREIGN.text;
  const site = header('Sec-Fetch-Site');
  if (site === 'same-origin' || site === 'none') return null;
  const followsLink = header('Sec-Fetch-Mode') === 'navigate' && header('Sec-Fetch-Dest') === 'document' && request.method === 'GET';
  if (site !== null && followsLink) return null;
  return site === null ? 'Only a browser opens web apps' : FOREIGN.text;
}

/** Where an app is opened from: a page of ours, which proves the browser's key. The path stays in the fragment. */
function handOver({ services, place }: Visit, to: string): string {
  const page = `${services.settings.ORIGIN}/w/${place.workspaceId}/apps/${place.label}`;
  return to === '' || to === '/' ? page : `${page}#to=${encodeURIComponent(to)}`;
}

function sendToSignIn(visit: Visit): Response {
  const { request } = visit;
  const isPage = request.headers.get('Sec-Fetch-Mode') === 'navigate' && request.method === 'GET';
  if (!isPage) return answerPage(request, { status: 401, title: 'Not signed in to this app', text: 'Load the page again to sign in.' });
  const { pathname, search } = new URL(request.url);
  return new Response(null, { status: 303, headers: { Location: handOver(visit, pathname + search), 'Cache-Control': 'no-store' } });
}

const FOREIGN: AppPage = {
  status: 403,
  title: 'Not from here',
  text: 'This request came from another site, or from a program that is no browser.',
};
const UNREACHABLE: AppPage = {
  status: 503,
  title: 'The workspace can’t be reached',
  text: 'Its connection was cut. It usually comes back within seconds.',
};

function refusal(visit: Visit, code: DoorRefusal, message: string, workspace: WorkspaceRow | undefined): Response {
  const { request, place } = visit;
  const name = (workspace && findApp(workspace.spec.apps, place.label)?.name) ?? `Port ${place.label}`;
  const open = { label: 'Look at the workspace', href: handOver(visit, '') };
  switch (code) {
    case 'no-session':
      return sendToSignIn(visit);
    case 'foreign':
      return answerPage(request, { ...FOREIGN, text: message });
    case 'away':
      return answerPage(request, whyAway(visit, workspace));
    case 'not-listening':
      return answerPage(request, {
        status: 503,
        title: `${name} is not running yet`,
        text: 'Nothing in the workspace listens on its port. Start the program, or wait until it has started.',
        again: 2,
      });
    case 'refused':
      return answerPage(request, { status: 403, title: 'This port can’t be opened', text: message, action: open });
    case 'busy':
    case 'limit':
      return answerPage(request, { status: 503, title: 'Too much at once', text: message, again: 3 });
    case 'broken':
      return answerPage(request, {
        ...{ status: 502, title: 'The app did not answer', text: 'It closed the connection before it had answered.', detail: message },
        again: 5,
      });
  }
}

/** Why there is no way to the workspace. */
function whyAway(visit: Visit, workspace: WorkspaceRow | undefined): AppPage {
  if (!workspace) return { status: 404, title: 'The workspace is gone', text: 'It was deleted.' };
  const { name, phase, runner_name: runner } = workspace;
  const href = handOver(visit, '');
  if (phase === 'stopped' || phase === 'failed')
    return {
      status: 503,
      title: `${name} is stopped`,
      text: 'Its files are kept. Start it, and the app opens.',
      action: { label: 'Start', href },
    };
  if (phase !== 'running') return { status: 503, title: `${name} is ${phase}`, text: 'The app opens once it runs.', again: 3 };
  if (workspace.runner_online !== 1)
    return {
      status: 503,
      title: 'The runner is away',
      text: `${runner}, on which ${name} runs, is not connected. The app comes back with it.`,
      again: 5,
    };
  return { ...UNREACHABLE, text: `${runner} is connecting ${name}. A runner of an older release serves no web apps.`, again: 3 };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
