import { diff, type FieldRules } from '../audit/diff.ts';
import type { AuditChange } from '../audit/event.ts';
import type { TemplateSpec } from './templates.ts';

/** Environment values may be credentials: the trail says that they changed, not to what. */
const SPEC_RULES: FieldRules<TemplateSpec> = {
  repository: 'tracked',
  startupScript: 'tracked',
  environment: 'secret',
  apps: 'tracked',
  driver: 'tracked',
  parameters: 'tracked',
  branch: 'tracked',
  stopScript: 'tracked',
  runnerLabels: 'tracked',
  schedule: 'tracked',
  limits: 'tracked',
  rootfs: 'tracked',
  image: 'tracked',
  network: 'tracked',
};

/** What differs between two versions of a template; `before` is null for its first. */
export const specDiff = (before: TemplateSpec | null, after: TemplateSpec): AuditChange[] => diff(SPEC_RULES, before, after);
