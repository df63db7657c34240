import { replaceState } from '$app/navigation';

/** What stands behind `#` of this page's address, which is then taken out of the address bar and the history. */
export function takeFragment(): string {
  const secret = location.hash.slice(1);
  if (secret !== '') replaceState(location.pathname + location.search, {});
  return secret;
}
