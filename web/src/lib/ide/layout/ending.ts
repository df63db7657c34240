import type { Ended } from '../connection/ports.ts';

/** What a person can do about an ended connection. */
export type Remedy = 'start' | 'connect' | 'sign-in' | 'passkey' | 'reload' | 'leave';

export const ENDINGS: Record<Ended['why'], { title: string; remedy: Remedy; button: string }> = {
  stopped: { title: 'The workspace is stopped', remedy: 'start', button: 'Start it' },
  failed: { title: 'The workspace did not start', remedy: 'start', button: 'Start it again' },
  trashed: { title: 'The workspace is in the trash', remedy: 'leave', button: 'To your workspaces' },
  'no-runner': { title: 'The workspace has no runner', remedy: 'leave', button: 'To your workspaces' },
  gone: { title: 'This workspace is not there', remedy: 'leave', button: 'To your workspaces' },
  revoked: { title: 'Your access was taken away', remedy: 'leave', button: 'To your workspaces' },
  refused: { title: 'You may not open this workspace', remedy: 'leave', button: 'To your workspaces' },
  'signed-out': { title: 'You are signed out', remedy: 'sign-in', button: 'Sign in' },
  unproved: { title: 'Sign in again in this browser', remedy: 'sign-in', button: 'Sign in' },
  presence: { title: 'Show your passkey to go on', remedy: 'passkey', button: 'Use your passkey' },
  replaced: { title: 'Open somewhere else', remedy: 'connect', button: 'Use it here' },
  idle: { title: 'Disconnected, because it was idle', remedy: 'connect', button: 'Connect again' },
  'runner-changed': { title: 'Not the runner that you knew', remedy: 'leave', button: 'Stay away' },
  broken: { title: 'The connection broke off', remedy: 'reload', button: 'Reload the page' },
};

/** Whether the work in sight may stay so: not when the person may not see it any more. */
export const keepsWork = (why: Ended['why']): boolean => !['revoked', 'refused', 'gone', 'runner-changed'].includes(why);
