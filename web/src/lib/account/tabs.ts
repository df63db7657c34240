import { route } from '#lib/route.ts';

export const ACCOUNT_TABS = [
  { label: 'Profile', href: route.account() },
  { label: 'Sign-in and sessions', href: route.accountSecurity() },
  { label: 'Git credentials', href: route.accountGit() },
];
