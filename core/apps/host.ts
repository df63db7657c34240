import { idSchema, ID_PREFIXES } from '../ids.ts';

/** Host names of web apps: `<label>--<workspace id without its prefix>.<apps domain>`, so that each app is an origin of its own. */

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,33}[a-z0-9])?$/;
const PREFIX = `${ID_PREFIXES.workspace}_`;

/** The label of an app that a template names, or the number of a port. */
export const isAppLabel = (label: string): boolean => LABEL.test(label) && !label.includes('--');

/** The port that a label of digits stands for; null: it is a name, or no port that a workspace may open. */
export function portOfLabel(label: string): number | null {
  if (!/^[1-9]\d{3,4}$/.test(label)) return null;
  const port = Number(label);
  return port >= 1024 && port <= 65535 ? port : null;
}

export interface AppPlace {
  label: string;
  workspaceId: string;
}

/** @param domain with its port, if it has one: `localhost:8787` */
export const appHost = ({ label, workspaceId }: AppPlace, domain: string): string =>
  `${label}--${workspaceId.slice(PREFIX.length)}.${domain}`;

/** Whether a host name is one of the apps', well formed or not. */
export const isUnder = (host: string, domain: string): boolean => host.endsWith(`.${domain}`);

/** @returns null for what is no app's host name */
export function parseAppHost(host: string, domain: string): AppPlace | null {
  if (!isUnder(host, domain)) return null;
  const name = host.slice(0, -domain.length - 1);
  const at = name.lastIndexOf('--');
  const label = name.slice(0, Math.max(0, at));
  const workspaceId = `${PREFIX}${name.slice(at + 2)}`;
  return at > 0 && isAppLabel(label) && idSchema('workspace').safeParse(workspaceId).success ? { label, workspaceId } : null;
}
