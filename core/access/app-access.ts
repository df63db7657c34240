import type { TemplateApp } from '../api/template-apps.ts';
import type { Policy } from './policy-in-force.ts';

/** What somebody wants to open in a workspace. */
export interface AppAsked {
  /** the workspace is their own */
  mine: boolean;
  /** as the template names it; null: a port that somebody opened by its number */
  app: Pick<TemplateApp, 'share'> | null;
}

/** What web apps need to know of the policy. */
export type AppPolicy = Pick<Policy, 'ports' | 'download' | 'clipboardOut'>;

/**
 * Whether the policy limits how data leaves a workspace. An app is outside these limits: what it shows can be saved and
 * copied. So only what a template names can be opened then.
 */
export const limitsData = ({ download, clipboardOut }: AppPolicy): boolean => download !== null || clipboardOut !== null;

/** Why the policy lets nobody open it, or not this person; null: it may be opened. */
export function appRefusal(policy: AppPolicy, { mine, app }: AppAsked): string | null {
  if (policy.ports === 'off') return 'Web apps and ports are off by your organisation’s policy';
  if (app === null && limitsData(policy))
    return 'The policy limits what leaves this workspace: only the apps that its template names can be opened';
  if (mine) return null;
  if (policy.ports === 'owner') return 'Only the owner of a workspace opens its apps, by your organisation’s policy';
  return app?.share === 'tenant' ? null : 'This app is for the owner of the workspace alone';
}
