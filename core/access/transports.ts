/** WebSockets of web apps: no route of the API, but whatever address the app answers on its own host. */
export const APP_TRANSPORT = 'GET <app>';

/**
 * Every route that opens a lasting connection, and for whom. A route that is not named here is refused one, whatever
 * its handler does: a new transport starts closed. `page`: our own page, with what its session proves; `runner`: a
 * runner with its token and a proof of its identity key.
 */
export const TRANSPORTS: Readonly<Record<string, { opens: 'page' | 'runner'; carries: string }>> = {
  'GET /api/v1/workspaces/:id/connect': { opens: 'page', carries: 'a workspace: terminals and files' },
  'GET /api/v1/workspaces/:id/logs': { opens: 'page', carries: 'a build log' },
  'GET /api/v1/runner/control': { opens: 'runner', carries: 'orders and reports' },
  'GET /api/v1/runner/workspaces/:id/link': { opens: 'runner', carries: 'the other end of a workspace' },
  'GET /api/v1/runner/workspaces/:id/apps': { opens: 'runner', carries: 'web apps and ports, where the policy opens them' },
  'GET /api/v1/runner/workspaces/:id/apps/:stream': { opens: 'runner', carries: 'one WebSocket of a web app' },
  [APP_TRANSPORT]: { opens: 'page', carries: 'a WebSocket of a web app, on the app’s own host' },
};
