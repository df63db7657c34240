import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { parameterValues } from './parameter-values.ts';
import { templateParameters } from './template-parameters.ts';
import { specChange } from './templates.ts';

/** `versionId` left out: the newest. An older published version is a way back. */
export const workspaceUpdate = z.object({
  versionId: idSchema('templateVersion').optional(),
  /** what is left out stays as it is, or takes its default */
  parameters: parameterValues.default({}),
});
const versionName = z.object({ id: idSchema('templateVersion'), number: z.number().int(), notes: z.string() });
/** What an update would change. */
export const workspaceUpdateOffer = z.object({
  from: versionName,
  to: versionName,
  changes: z.array(specChange),
  parameters: templateParameters,
  /** as they would be, where nothing else is said */
  values: parameterValues,
  /** names of parameters that the present version does not have */
  added: z.array(z.string()),
  /** versions that it can have, newest first */
  versions: z.array(versionName),
});
export type WorkspaceUpdateOffer = z.infer<typeof workspaceUpdateOffer>;
