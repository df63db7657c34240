import { digestOf } from '@gatehouse/core/api/template-image.ts';
import type { Workspace } from '@gatehouse/core/api/workspaces.ts';

type Named = Pick<Workspace, 'rootfs' | 'image'>;
const SHOWN = 'sha256:'.length + 12;

/** What a workspace's programs are, in a few words. */
export function systemShort({ rootfs, image }: Named): string {
  if (image !== null) return digestOf(image).slice(0, SHOWN);
  return rootfs === null ? 'the runner’s own' : rootfs.slice(0, SHOWN);
}

/** The same in a sentence. */
export function systemWords({ rootfs, image }: Named): string {
  if (image !== null) return `Programs are those of the image ${image}, the same on every runner.`;
  return rootfs === null
    ? 'Programs are those under /usr of the runner’s machine: another runner may have others.'
    : `Programs are those of the root file system ${rootfs}, the same on every runner.`;
}
