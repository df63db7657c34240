import { replaceState } from '$app/navigation';

/** The secret behind `#` of this page's address, which is then taken out of the address bar and the history. */
export function takeFragment(): string {
  const secret = location.hash.slice(1);
  if (secret !== '') replaceState(location.pathname, {});
  return secret;
}
