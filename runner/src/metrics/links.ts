import type { Dial } from '../connection/socket.ts';

export const LINKS = ['control', 'workspace', 'tunnel'] as const;
export type LinkName = (typeof LINKS)[number];

/** Sockets to the platform, since the runner began. */
export type Links = Record<LinkName, { open: number; lost: number }>;

const nameOf = (path: string): LinkName => (path.endsWith('/link') ? 'workspace' : path.endsWith('/apps') ? 'tunnel' : 'control');

/** Counts the sockets that are dialled. */
export function countDials(dial: Dial): { dial: Dial; links: Links } {
  const links: Links = { control: { open: 0, lost: 0 }, workspace: { open: 0, lost: 0 }, tunnel: { open: 0, lost: 0 } };
  return {
    links,
    dial: (path, events) => {
      const link = links[nameOf(path)];
      let isOpen = false;
      return dial(path, {
        ...events,
        opened: () => {
          isOpen = true;
          link.open += 1;
          events.opened();
        },
        closed: (code, reason) => {
          if (isOpen) Object.assign(link, { open: link.open - 1, lost: link.lost + 1 });
          isOpen = false;
          events.closed(code, reason);
        },
      });
    },
  };
}
