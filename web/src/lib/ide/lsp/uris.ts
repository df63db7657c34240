/** File URIs, as language servers name files, and paths of the workspace. */

/** @param root of the workspace, as its programs see it */
export function uriOf(root: string, path: string): string {
  const names = `${root}/${path}`.split('/').map((name) => encodeURIComponent(name).replaceAll('%40', '@'));
  return `file://${names.join('/').replace(/\/$/, '')}`;
}

/** @returns null: it is no file of the workspace */
export function pathOf(root: string, uri: string): string | null {
  const place = placeOf(uri);
  if (place === null || place.split('/').includes('..')) return null;
  return place.startsWith(`${root}/`) ? place.slice(root.length + 1) : null;
}

/** Where a file is, as programs of the workspace see it; null: it is no file, or not here. */
export function placeOf(uri: string): string | null {
  try {
    const { protocol, hostname, pathname } = new URL(uri);
    const place = decodeURIComponent(pathname);
    return protocol === 'file:' && hostname === '' && !place.includes('\0') ? place : null;
  } catch {
    return null;
  }
}
