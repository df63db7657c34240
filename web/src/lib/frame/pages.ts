import type { Component } from 'svelte';
import Box from '@lucide/svelte/icons/box';
import ListTree from '@lucide/svelte/icons/list-tree';
import Mail from '@lucide/svelte/icons/mail';
import Send from '@lucide/svelte/icons/send';
import Server from '@lucide/svelte/icons/server';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import SquareTerminal from '@lucide/svelte/icons/square-terminal';
import UserRound from '@lucide/svelte/icons/user-round';
import Users from '@lucide/svelte/icons/users';
import Building from '@lucide/svelte/icons/building-2';
import type { Permission } from '@gatehouse/core/access/permissions.ts';
import { route } from '#lib/route.ts';

export interface Page {
  label: string;
  href: string;
  icon: Component;
  section: '' | 'Admin' | 'Security' | 'Local';
  /** pressed one after the other */
  keys: string;
  /** without it the entry is not offered; everybody may see the rest */
  needs?: Permission;
  /** only in a deployment on one's own machine */
  local?: true;
}

/** Every page that the navigation and the command palette reach. */
export const PAGES: readonly Page[] = [
  { label: 'Workspaces', href: route.workspaces(), icon: SquareTerminal, section: '', keys: 'G W' },
  { label: 'Account', href: route.account(), icon: UserRound, section: '', keys: 'G P' },
  { label: 'Users', href: route.users(), icon: Users, section: 'Admin', keys: 'G U', needs: 'user:read' },
  { label: 'Templates', href: route.templates(), icon: Box, section: 'Admin', keys: 'G T' },
  { label: 'Runners', href: route.runners(), icon: Server, section: 'Admin', keys: 'G R', needs: 'runner:read' },
  { label: 'Organisation', href: route.organisation(), icon: Building, section: 'Admin', keys: 'G O', needs: 'tenant:update' },
  {
    label: 'Deployment security',
    href: route.deploymentSecurity(),
    icon: ShieldCheck,
    section: 'Admin',
    keys: 'G D',
    needs: 'policy:read',
  },
  { label: 'Audit log', href: route.audit(), icon: ListTree, section: 'Security', keys: 'G A', needs: 'audit:read' },
  { label: 'SIEM destinations', href: route.siem(), icon: Send, section: 'Security', keys: 'G S', needs: 'siem:read' },
  { label: 'Local mail', href: route.localMail(), icon: Mail, section: 'Local', keys: 'G M', local: true },
];

export const SECTIONS = ['', 'Admin', 'Security', 'Local'] as const;
