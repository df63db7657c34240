import { unbounded, type Containers } from '../sandbox/container/find-containers.ts';
import { fine, warning, type Check } from './check.ts';

const [ID, TITLE] = ['containers', 'Containers'];

/** What the container engine of this machine can do. One that is not there is missed by nobody but templates with images. */
export function checkContainers({ engine, missing }: Pick<Containers, 'missing'> & { engine: Facts | null }): Check {
  if (engine === null) return fine(ID, TITLE, `${missing}: templates with images are refused here`);
  if (missing !== null) return warning(ID, TITLE, missing, 'Mend it, or leave containers out: --engine none.');
  const lacking = unbounded(engine);
  if (lacking !== null)
    return warning(ID, TITLE, lacking, 'Let systemd delegate these cgroups to the user: Delegate=yes, cgroup version 2.');
  const power = engine.isRootless ? '' : '. Whoever may use its socket is as good as root on this machine: rootless Podman is safer';
  return fine(ID, TITLE, `${engine.words} makes sandboxes and bounds ${engine.controls.join(', ')}${power}`);
}

type Facts = Pick<NonNullable<Containers['engine']>, 'words' | 'isRootless' | 'controls'>;
