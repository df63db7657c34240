import type { TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';

export const DRIVER_WORDS: Record<TemplateSpec['driver'], string> = {
  bubblewrap: 'Isolated (bubblewrap)',
  container: 'Isolated (container)',
  process: 'Not isolated (process)',
};

export const DRIVER_HINTS: Record<TemplateSpec['driver'], string> = {
  bubblewrap: 'Each workspace has its own home, processes and /tmp. Only runners that can isolate take it.',
  container: 'Each workspace is a container of its own, made from an image. Only runners with Docker or Podman take it.',
  process: 'Workspaces see the runner’s machine as its own user does. Only for machines where everybody trusts each other.',
};

export const ROLE_MEANING: Record<TemplateRole, string> = {
  view: 'sees that it exists',
  use: 'creates and opens own workspaces',
  admin: 'changes it, and who may use it',
};

const FIELD_WORDS: Partial<Record<string, string>> = {
  repository: 'Repository',
  branch: 'Branch',
  startupScript: 'Start-up script',
  stopScript: 'Stop script',
  environment: 'Environment',
  apps: 'Web apps',
  driver: 'Sandbox',
  parameters: 'Parameters',
  runnerLabels: 'Runner labels',
  schedule: 'Schedule',
  limits: 'Limits',
  rootfs: 'Root file system',
  image: 'Image',
  network: 'Network',
} satisfies Partial<Record<keyof TemplateSpec, string>>;

/** What a field of a version is called. */
export const fieldWords = (path: string): string => FIELD_WORDS[path] ?? path;
