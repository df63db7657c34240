import { templateSpec, type TemplateSpec } from './templates.ts';

/** What every release of the runner understands. */
const ALWAYS = ['repository', 'startupScript', 'environment', 'apps', 'driver'];
/** What the service does by itself. */
const OURS: readonly string[] = ['runnerLabels', 'schedule'];

/** What a runner of this release understands of a template, as it says when it connects. */
export const UNDERSTOOD: readonly string[] = [...Object.keys(templateSpec.shape), 'secrets'];

/** What a runner must understand to serve this content: fields that say something, beside those that every release knows. */
export function neededFields(spec: TemplateSpec): string[] {
  const silent: Record<string, unknown> = templateSpec.parse({});
  return Object.entries(spec)
    .filter(([key, value]) => !ALWAYS.includes(key) && !OURS.includes(key) && JSON.stringify(value) !== JSON.stringify(silent[key]))
    .map(([key]) => key);
}
