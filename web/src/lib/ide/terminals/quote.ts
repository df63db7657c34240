/** A path of the workspace as a shell there reads it, whatever its name holds. */
export function quoted(path: string): string {
  if (/^[\w@%+=:,./-]+$/.test(path)) return `~/${path}`;
  if (!/\p{Cc}/u.test(path)) return `~/'${path.replaceAll("'", String.raw`'\''`)}'`;
  // A line break between plain quotes would still end a line that is typed.
  const escaped = path
    .replaceAll('\\', '\\\\')
    .replaceAll("'", String.raw`\'`)
    .replaceAll(/\p{Cc}/gu, (each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `~/$'${escaped}'`;
}
