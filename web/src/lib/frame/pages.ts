import type { Component } from 'svelte';
import BadgeCheck from '@lucide/svelte/icons/badge-check';
import CirclePlay from '@lucide/svelte/icons/circle-play';
import Gauge from '@lucide/svelte/icons/gauge';
import FingerprintPattern from '@lucide/svelte/icons/fingerprint-pattern';
import Group from '@lucide/svelte/icons/network';
import Bot from '@lucide/svelte/icons/bot';
import Box from '@lucide/svelte/icons/box';
import IdCard from '@lucide/svelte/icons/id-card';
import KeyRound from '@lucide/svelte/icons/key-round';
import Hand from '@lucide/svelte/icons/hand';
import Inbox from '@lucide/svelte/icons/inbox';
import ListTree from '@lucide/svelte/icons/list-tree';
import Mail from '@lucide/svelte/icons/mail';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Send from '@lucide/svelte/icons/send';
import Server from '@lucide/svelte/icons/server';
import ShieldAlert from '@lucide/svelte/icons/shield-alert';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import SquareTerminal from '@lucide/svelte/icons/square-terminal';
import UserRound from '@lucide/svelte/icons/user-round';
import UserSearch from '@lucide/svelte/icons/user-search';
import Users from '@lucide/svelte/icons/users';
import Building from '@lucide/svelte/icons/building-2';
import type { Notices } from '@gatehouse/core/api/access.ts';
import type { Permission } from '@gatehouse/core/access/permissions.ts';
import type { Me } from '@gatehouse/core/api/identity.ts';
import { OVERVIEW_PARTS } from '#lib/overview/words.ts';
import { route } from '#lib/route.ts';

export interface Page {
  label: string;
  href: string;
  icon: Component;
  section: '' | 'Admin' | 'Security' | 'Local';
  /** pressed one after the other */
  keys: string;
  /** without it, or one of these, the entry is not offered; everybody may see the rest */
  needs?: Permission | readonly Permission[];
  /** who may open it without that permission, too */
  also?: (me: Me) => boolean;
  /** what of the notices its entry counts */
  notice?: keyof Notices;
  /** only in a deployment on one's own machine */
  local?: true;
}

/** Every page that the navigation and the command palette reach. */
export const PAGES: readonly Page[] = [
  { label: 'Overview', href: route.overview(), icon: Gauge, section: '', keys: 'G H', needs: OVERVIEW_PARTS },
  { label: 'Workspaces', href: route.workspaces(), icon: SquareTerminal, section: '', keys: 'G W' },
  { label: 'My requests', href: route.requests(), icon: Inbox, section: '', keys: 'G Q', notice: 'decided' },
  { label: 'Account', href: route.account(), icon: UserRound, section: '', keys: 'G P' },
  { label: 'Users', href: route.users(), icon: Users, section: 'Admin', keys: 'G U', needs: 'user:read' },
  {
    label: 'Groups',
    href: route.groups(),
    icon: Group,
    section: 'Admin',
    keys: 'G O',
    needs: 'group:read',
    also: ({ user }) => user.managesGroups,
  },
  { label: 'Roles', href: route.roles(), icon: BadgeCheck, section: 'Admin', keys: 'G L', needs: 'role:read' },
  { label: 'Service accounts', href: route.serviceAccounts(), icon: Bot, section: 'Admin', keys: 'G B', needs: 'service-account:read' },
  { label: 'Identity providers', href: route.providers(), icon: IdCard, section: 'Admin', keys: 'G F', needs: 'idp:read' },
  { label: 'Templates', href: route.templates(), icon: Box, section: 'Admin', keys: 'G T' },
  { label: 'Access requests', href: route.accessRequests(), icon: Hand, section: 'Admin', keys: 'G E', notice: 'toDecide' },
  { label: 'Access review', href: route.accessReview(), icon: UserSearch, section: 'Admin', keys: 'G V', needs: 'access:review' },
  { label: 'Runners', href: route.runners(), icon: Server, section: 'Admin', keys: 'G R', needs: 'runner:read' },
  { label: 'Policy', href: route.policy(), icon: ScrollText, section: 'Admin', keys: 'G Y', needs: 'policy:read' },
  { label: 'Organisation', href: route.organisation(), icon: Building, section: 'Admin', keys: 'G N', needs: 'tenant:update' },
  {
    label: 'Deployment security',
    href: route.deploymentSecurity(),
    icon: ShieldCheck,
    section: 'Admin',
    keys: 'G D',
    needs: 'policy:read',
  },
  { label: 'API tokens', href: route.tokens(), icon: KeyRound, section: 'Security', keys: 'G K', needs: 'token:read-all' },
  { label: 'Audit log', href: route.audit(), icon: ListTree, section: 'Security', keys: 'G A', needs: 'audit:read' },
  { label: 'Findings', href: route.findings(), icon: ShieldAlert, section: 'Security', keys: 'G I', needs: 'audit:read' },
  { label: 'Recordings', href: route.recordings(), icon: CirclePlay, section: 'Security', keys: 'G X', needs: 'recording:read' },
  { label: 'SIEM destinations', href: route.siem(), icon: Send, section: 'Security', keys: 'G S', needs: 'siem:read' },
  { label: 'Integrity', href: route.integrity(), icon: FingerprintPattern, section: 'Security', keys: 'G C', needs: 'audit:read' },
  { label: 'Local mail', href: route.localMail(), icon: Mail, section: 'Local', keys: 'G M', local: true },
];

export const SECTIONS = ['', 'Admin', 'Security', 'Local'] as const;
