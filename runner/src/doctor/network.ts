import { WebSocket } from 'ws';
import { problem } from '@gatehouse/core/api/common.ts';
import { CONTROL_PATH } from '../control/control-link.ts';
import { socketUrl } from '../platform-url.ts';
import { whyNoNetwork } from '../sandbox/bubblewrap.ts';
import { failing, fine, warning, type Check } from './check.ts';

const WITHIN_MS = 10_000;
/** of an answer that is no WebSocket, as much as tells whose it is */
const MOST_ANSWER = 64 * 1024;

type Answer = { kind: 'open' } | { kind: 'refused'; status: number; body: string } | { kind: 'none'; why: string };

/** Dials as the runner would, and hangs up before it says who it is: a runner that runs keeps its place. */
function dial(url: string, token: string | null): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = new WebSocket(socketUrl(url, CONTROL_PATH), {
      ...(token === null ? {} : { headers: { authorization: `Bearer ${token}` } }),
      perMessageDeflate: false,
      handshakeTimeout: WITHIN_MS,
    });
    const end = (answer: Answer) => {
      resolve(answer);
      socket.terminate();
    };
    socket.on('open', () => end({ kind: 'open' }));
    socket.on('error', (error) => end({ kind: 'none', why: error.message }));
    socket.on('unexpected-response', (_request, response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body.length < MOST_ANSWER ? (body += text) : undefined));
      response.on('end', () => end({ kind: 'refused', status: response.statusCode ?? 0, body }));
    });
  });
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** Whether WebSockets pass. @param token null: before the enrolment, when the platform's own refusal shows that they do */
export async function checkWebSocket(url: string, token: string | null): Promise<Check> {
  const [id, title] = ['websocket', 'WebSockets'];
  const remedy = 'Let WebSockets pass: a proxy or firewall on the way takes the Upgrade out, or looks into TLS.';
  const answer = await dial(url, token);
  switch (answer.kind) {
    case 'open':
      return fine(id, title, 'pass to the platform');
    case 'none':
      return failing(id, title, `don’t pass: ${answer.why}`, remedy);
    case 'refused': {
      const said = problem.safeParse(parse(answer.body));
      // The address answers this to what is no WebSocket, so the Upgrade was lost on the way.
      if (!said.success || said.data.status === 426) return failing(id, title, `are answered ${answer.status}, and not opened`, remedy);
      return fine(id, title, 'pass to the platform, which asks who this is');
    }
  }
}

const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];

/** The runner dials by itself: a proxy that everything else on this machine goes through says that it may not get out. */
export function checkProxy(environment: NodeJS.ProcessEnv = process.env): Check[] {
  const set = PROXY_VARIABLES.filter((name) => (environment[name] ?? '') !== '');
  if (set.length === 0) return [];
  return [
    warning(
      'proxy',
      'Proxy',
      `${set.join(', ')} is set, and the runner goes through no proxy`,
      'Let this machine out to the platform and to git hosts directly; the lines on the platform and on WebSockets say whether it gets there.',
    ),
  ];
}

/** Whether the way out of a workspace can be limited: tried with a real sandbox. */
export function checkEgress(hasBubblewrap: boolean, why: () => string | null = whyNoNetwork): Check {
  const [id, title] = ['egress', 'Egress'];
  const remedy = 'Workspaces whose policy limits egress, which is the default, are refused: see the lines on namespaces and bubblewrap.';
  if (!hasBubblewrap) return failing(id, title, 'can’t be limited without bubblewrap', remedy);
  const missing = why();
  return missing === null ? fine(id, title, 'sandboxes can have a network of their own') : failing(id, title, missing, remedy);
}
