import { normalRepository } from '@gatehouse/core/access/egress.ts';
import { EgressRefused } from './refusal.ts';

export type GitService = 'fetch' | 'push';

/** One request of git's smart HTTP protocol, as the proxy takes it. */
export interface GitRequest {
  service: GitService;
  /** `advertise`: which refs there are; `exchange`: the pack itself */
  step: 'advertise' | 'exchange';
  /** in the normal form that rules are compared in */
  repository: string;
  /** where it goes: as the program wrote it, for a server may care about `.git` */
  url: URL;
}

/** A request that is not git's, or of a service that the proxy does not carry; `repository` as far as it can be told. */
export class NotCarried extends EgressRefused {
  readonly repository: string;

  constructor(repository: string, why: string) {
    super(why);
    this.repository = repository;
  }
}

const SERVICES: Record<string, GitService> = { 'git-upload-pack': 'fetch', 'git-receive-pack': 'push' };

/**
 * Reads `/https/<host>/<path>/info/refs?service=…`, and `…/git-upload-pack` or `…/git-receive-pack` where a pack is exchanged.
 * @throws NotCarried
 */
export function readGitRequest(method: string, target: string): GitRequest {
  const [, scheme = '', rest = '', ending = '', query = ''] =
    /^\/(https?)\/([^?]+)\/(info\/refs|git-upload-pack|git-receive-pack)(?:\?(.*))?$/.exec(target) ?? [];
  const address = `${scheme}://${rest}`;
  const repository = scheme === '' ? null : normalRepository(address);
  if (repository === null) throw new NotCarried(target.split('?')[0] ?? '', 'only fetch and push over HTTPS are carried');
  const asked = new URLSearchParams(query).get('service') ?? '';
  const name = ending === 'info/refs' ? asked : ending;
  const service = Object.hasOwn(SERVICES, name) ? SERVICES[name] : undefined;
  const isRight = ending === 'info/refs' ? method === 'GET' && query === `service=${name}` : method === 'POST' && query === '';
  if (service === undefined || !isRight) throw new NotCarried(repository, 'only the fetch and the push of the smart protocol are carried');
  return {
    service,
    step: ending === 'info/refs' ? 'advertise' : 'exchange',
    repository,
    url: new URL(`${address}/${ending}${query === '' ? '' : `?${query}`}`),
  };
}

/** Where a git server sends to, as git inside is to ask for it: through the proxy again. Null: to another host, or not to a repository. */
export function redirectedPath(from: URL, location: string): string | null {
  if (!URL.canParse(location, from.href)) return null;
  const to = new URL(location, from.href);
  if (to.protocol !== from.protocol || to.host !== from.host || to.username !== '' || to.password !== '') return null;
  return `/${to.protocol.slice(0, -1)}/${to.host}${to.pathname}${to.search}`;
}
