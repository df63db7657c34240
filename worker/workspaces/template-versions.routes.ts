import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/templates.ts';
import { templateSecretList, templateSecretsChange } from '@gatehouse/core/api/template-secrets.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { dryRun, dryRunAsk } from '@gatehouse/core/api/template-dry-run.ts';
import { body, etag, json, noContent, problems, revisionOf, routes } from '../platform/route.ts';
import { dryRunTemplate } from './template-dry-run.ts';
import { exportTemplate, importTemplate } from './template-file.ts';
import { presentDetail } from './templates.ts';
import { changeSecrets, listSecrets } from './template-secrets.ts';
import * as versions from './template-versions.ts';

const ofTemplate = { params: z.object({ id: idSchema('template') }) };
const ofVersion = { params: z.object({ id: idSchema('templateVersion') }) };
const headers = z.object({ 'if-match': z.string().optional() });
const tags = ['Templates'];
const answersVersion = { 200: json(api.templateVersion), ...problems };

const tryOut = createRoute({
  method: 'post',
  path: '/templates/{id}/dry-run',
  summary: 'What would happen if a workspace were made now',
  tags,
  request: { ...ofTemplate, ...body(dryRunAsk) },
  responses: { 200: json(dryRun), ...problems },
});
const exportFile = createRoute({
  method: 'get',
  path: '/templates/{id}/export',
  summary: 'A template as one YAML file',
  tags,
  request: ofTemplate,
  responses: { 200: { description: 'YAML', content: { 'application/yaml': { schema: z.string() } } }, ...problems },
});
const importFile = createRoute({
  method: 'post',
  path: '/templates/import',
  summary: 'Create a template from a YAML file',
  tags,
  request: body(api.templateImport),
  responses: { 201: json(api.templateDetail), ...problems },
});
const secrets = createRoute({
  method: 'get',
  path: '/templates/{id}/secrets',
  summary: 'Names of a template’s secrets',
  tags,
  request: ofTemplate,
  responses: { 200: json(templateSecretList), ...problems },
});
const setSecrets = createRoute({
  method: 'patch',
  path: '/templates/{id}/secrets',
  summary: 'Set, replace or remove secrets of a template',
  tags,
  request: { ...ofTemplate, ...body(templateSecretsChange) },
  responses: { 200: json(templateSecretList), ...problems },
});
const list = createRoute({
  method: 'get',
  path: '/templates/{id}/versions',
  summary: 'Versions of a template',
  tags,
  request: ofTemplate,
  responses: { 200: json(api.templateVersionList), ...problems },
});
const create = createRoute({
  method: 'post',
  path: '/templates/{id}/versions',
  summary: 'Publish a version, or begin a draft',
  tags,
  request: { ...ofTemplate, ...body(api.templateVersionCreate) },
  responses: { 201: json(api.templateVersion), ...problems },
});
const diff = createRoute({
  method: 'get',
  path: '/templates/{id}/diff',
  summary: 'What differs between two versions',
  tags,
  request: { ...ofTemplate, query: api.versionDiffQuery },
  responses: { 200: json(api.versionDiff), ...problems },
});
const change = createRoute({
  method: 'patch',
  path: '/template-versions/{id}',
  summary: 'Change a draft, or the notes of a version',
  tags,
  request: { ...ofVersion, headers, ...body(api.templateVersionChange) },
  responses: answersVersion,
});
const discard = createRoute({
  method: 'delete',
  path: '/template-versions/{id}',
  summary: 'Discard a draft',
  tags,
  request: ofVersion,
  responses: { 204: noContent, ...problems },
});
const publish = createRoute({
  method: 'post',
  path: '/template-versions/{id}/publish',
  summary: 'Publish a draft',
  tags,
  request: ofVersion,
  responses: answersVersion,
});
const deprecate = createRoute({
  method: 'post',
  path: '/template-versions/{id}/deprecate',
  summary: 'Keep a version from new workspaces',
  tags,
  request: ofVersion,
  responses: answersVersion,
});
const restore = createRoute({
  method: 'post',
  path: '/template-versions/{id}/restore',
  summary: 'Take a deprecation back',
  tags,
  request: ofVersion,
  responses: answersVersion,
});
const require = createRoute({
  method: 'post',
  path: '/template-versions/{id}/require',
  summary: 'Require a version from a time on',
  tags,
  request: { ...ofVersion, ...body(api.templateVersionRequire) },
  responses: answersVersion,
});

export const templateVersionRoutes = routes()
  .openapi(tryOut, async (c) => c.json(await dryRunTemplate(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200))
  .openapi(exportFile, async (c) => {
    const { name, file } = await exportTemplate(c.get('signedIn'), c.req.valid('param').id);
    const headers = { 'Content-Type': 'application/yaml; charset=utf-8', 'Content-Disposition': `attachment; filename="${name}.yaml"` };
    // Hono has no name for YAML.
    return c.body(file, 200, headers) as never;
  })
  .openapi(importFile, async (c) => {
    const ctx = c.get('signedIn');
    const row = await importTemplate(ctx, c.req.valid('json'));
    c.header('ETag', etag(row.revision));
    return c.json(presentDetail(ctx, row), 201);
  })
  .openapi(secrets, async (c) => c.json(await listSecrets(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(setSecrets, async (c) => c.json(await changeSecrets(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200))
  .openapi(list, async (c) =>
    c.json({ items: await versions.listVersions(c.get('signedIn'), c.req.valid('param').id), nextCursor: null }, 200),
  )
  .openapi(create, async (c) => c.json(await versions.createVersion(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 201))
  .openapi(diff, async (c) => {
    const { from, to } = c.req.valid('query');
    return c.json(await versions.diffVersions(c.get('signedIn'), c.req.valid('param').id, from, to), 200);
  })
  .openapi(change, async (c) => {
    const revision = revisionOf(c.req.valid('header')['if-match']);
    return c.json(await versions.changeVersion(c.get('signedIn'), c.req.valid('param').id, revision, c.req.valid('json')), 200);
  })
  .openapi(discard, async (c) => {
    await versions.discardDraft(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(publish, async (c) => c.json(await versions.publishVersion(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(deprecate, async (c) => c.json(await versions.deprecateVersion(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(restore, async (c) => c.json(await versions.restoreVersion(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(require, async (c) =>
    c.json(await versions.requireVersion(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json').from), 200),
  );
