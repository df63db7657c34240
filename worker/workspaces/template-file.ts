import type { z } from 'zod';
import { readTemplateFile, writeTemplateFile } from '@gatehouse/core/api/template-file.ts';
import type { templateImport } from '@gatehouse/core/api/templates.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { findSecrets } from './template-secrets.store.ts';
import { findVersion } from './template-versions.store.ts';
import { parseSpec, type TemplateRow } from './templates.store.ts';
import { createTemplate, templateFor } from './templates.ts';

/** The newest published version as a file; of secrets only the names. */
export async function exportTemplate(ctx: UserContext, id: string): Promise<{ name: string; file: string }> {
  const { name, description, icon, spec, version_id: versionId } = await templateFor(ctx, id, 'admin', 'template.read');
  const version = await findVersion(ctx, versionId);
  const secrets = (await findSecrets(ctx.db, id)).map((secret) => secret.name);
  return { name, file: writeTemplateFile({ name, description, icon, notes: version?.notes ?? '', secrets, spec: parseSpec(spec) }) };
}

/**
 * Makes a template from a file.
 * @throws AppError `invalid` with the field, and in the message the line, of each fault
 */
export async function importTemplate(ctx: UserContext, { file, name }: z.infer<typeof templateImport>): Promise<TemplateRow> {
  const resource = { type: 'template' as const, id: null, name: name ?? 'a file' };
  await require(ctx, 'template:create', { action: 'template.create', resource });
  const read = readTemplateFile(file);
  if ('errors' in read) throw new AppError('invalid', 'The file can’t be imported', { errors: read.errors.slice(0, 20) });
  const { notes: _notes, secrets: _secrets, ...template } = read.file;
  return createTemplate(ctx, { ...template, name: name ?? template.name });
}
