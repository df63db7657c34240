import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { localMailList } from '@gatehouse/core/api/deployment.ts';
import { health } from '@gatehouse/core/api/health.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { json, problems, routes } from './route.ts';

export const VERSION = '0.1.0';

const tags = ['Deployment'];
const getHealth = createRoute({
  method: 'get',
  path: '/health',
  summary: 'Whether Gatehouse runs, and its version',
  tags,
  responses: { 200: json(health), ...problems },
});
const listLocalMails = createRoute({
  method: 'get',
  path: '/local/mails',
  summary: 'Mails of a local deployment, never sent',
  tags,
  responses: { 200: json(localMailList), ...problems },
});

const localMailRow = z.object({ id: z.number(), recipient: z.string(), subject: z.string(), text: z.string(), sent_at: z.string() });

export const deploymentRoutes = routes()
  .openapi(getHealth, (c) => c.json({ status: 'ok' as const, version: VERSION }, 200))
  .openapi(listLocalMails, async (c) => {
    const { settings, directory } = c.get('services');
    if (settings.ENVIRONMENT !== 'local') throw new AppError('not-found', 'There is no such address in the API');
    const { results } = await directory
      .prepare('SELECT id, recipient, subject, text, sent_at FROM local_mails ORDER BY id DESC LIMIT 100')
      .all();
    const items = results
      .map((row) => localMailRow.parse(row))
      .map(({ recipient, sent_at, ...rest }) => ({ ...rest, to: recipient, sentAt: sent_at }));
    return c.json({ items, nextCursor: null }, 200);
  });
