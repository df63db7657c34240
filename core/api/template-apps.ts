import { z } from 'zod';
import { multiline, text } from './common.ts';

/** Icons that an app may have: names of Lucide's. */
export const APP_ICONS = ['globe', 'code', 'terminal', 'database', 'flask', 'bug', 'server', 'rocket', 'box'] as const;

/** Who may open an app where the policy lets the whole organisation: only the owner of the workspace, or everybody. */
export const APP_SHARES = ['owner', 'tenant'] as const;

/** A web tool that runs in the workspace. Older versions of a template know name and port alone. */
export const templateApp = z.object({
  name: text(40),
  port: z.number().int().min(1024).max(65535),
  /** run by bash in the workspace's home with PORT set, started with the workspace and again whenever it ends; empty: somebody else starts it */
  command: multiline(2000).default(''),
  icon: z.enum(APP_ICONS).default('globe'),
  share: z.enum(APP_SHARES).default('owner'),
});
export type TemplateApp = z.infer<typeof templateApp>;

const MOST_LABEL = 30;

/** What stands for an app in host names: `API Server` is `api-server`. Numbers alone are ports, and `xn` begins other alphabets. */
export function appLabel(name: string): string {
  const label = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, MOST_LABEL)
    .replaceAll(/^-|-$/g, '');
  return label === '' || label === 'xn' || /^\d+$/.test(label) ? `app${label === '' ? '' : `-${label}`}` : label;
}

/** The app of a template that has this label; of two with one label the first. */
export const findApp = (apps: readonly TemplateApp[], label: string): TemplateApp | undefined =>
  apps.find(({ name }) => appLabel(name) === label);

/** Position of the first app whose label or port an earlier one has; -1: there is none. */
export const doubledApp = (apps: readonly TemplateApp[]): number =>
  apps.findIndex(({ name, port }, index) =>
    apps.slice(0, index).some((other) => other.port === port || appLabel(other.name) === appLabel(name)),
  );
