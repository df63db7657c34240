import type { TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';

export const DRIVER_WORDS: Record<TemplateSpec['driver'], string> = {
  bubblewrap: 'Isolated (bubblewrap)',
  process: 'Not isolated (process)',
};

export const ROLE_MEANING: Record<TemplateRole, string> = {
  view: 'sees that it exists',
  use: 'creates and opens own workspaces',
  admin: 'changes it, and who may use it',
};
