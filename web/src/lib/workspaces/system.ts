import type { Workspace } from '@gatehouse/core/api/workspaces.ts';

/** What a workspace's programs are, in a few words. */
export const systemShort = ({ rootfs }: Pick<Workspace, 'rootfs'>): string =>
  rootfs === null ? 'the runner’s own' : rootfs.slice(0, 'sha256:'.length + 12);

/** The same in a sentence. */
export const systemWords = ({ rootfs }: Pick<Workspace, 'rootfs'>): string =>
  rootfs === null
    ? 'Programs are those under /usr of the runner’s machine: another runner may have others.'
    : `Programs are those of the root file system ${rootfs}, the same on every runner.`;
