import { existsSync } from 'node:fs';
import { messageOf } from '../../failure.ts';
import { Engine } from './engine.ts';

const SCHEME = 'unix://';
const OFF = 'none';

/**
 * Where an engine may be, the likeliest first: what the operator says, what `DOCKER_HOST` says, then where Podman and
 * Docker listen: those of the user before those of root, which are as good as root to whoever may use them.
 * @param asked path or unix:// address; `none`: no engine is to be used
 * @returns paths of sockets, or why there are none
 */
export function placesOf(
  asked: string | undefined,
  env: NodeJS.ProcessEnv,
  uid: number | undefined = process.getuid?.(),
): { places: string[]; isAsked: boolean } | string {
  if (asked === OFF) return 'switched off by --engine none';
  const named = asked ?? env['DOCKER_HOST'];
  if (named !== undefined && named !== '') {
    const path = named.startsWith(SCHEME) ? named.slice(SCHEME.length) : named;
    if (!path.startsWith('/'))
      return `${named} is no socket of this machine: homes are shown to containers, which an engine elsewhere can’t do`;
    return { places: [path], isAsked: true };
  }
  const own = env['XDG_RUNTIME_DIR'] ?? (uid === undefined ? undefined : `/run/user/${uid}`);
  const ofUser = own === undefined || uid === 0 ? [] : [`${own}/podman/podman.sock`, `${own}/docker.sock`];
  return { places: [...ofUser, '/run/podman/podman.sock', '/run/docker.sock', '/var/run/docker.sock'], isAsked: false };
}

/** The first engine that answers, or why there is none. @param asked see `placesOf` */
export async function findEngine(asked: string | undefined, env: NodeJS.ProcessEnv = process.env): Promise<Engine | string> {
  if (process.platform !== 'linux') return 'containers need Linux';
  const found = placesOf(asked, env);
  if (typeof found === 'string') return found;
  const there = found.isAsked ? found.places : found.places.filter((path) => existsSync(path));
  let why = 'neither Docker nor Podman listens on this machine';
  for (const place of there) {
    try {
      return await Engine.at(place);
    } catch (error) {
      why = messageOf(error);
    }
  }
  return why;
}
