import type { SERVICE_ERRORS } from '@gatehouse/core/protocol/services.ts';

export type ServiceCode = (typeof SERVICE_ERRORS)[number];

/** A refusal that the browser is told in `head`. */
export class ServiceFailure extends Error {
  readonly code: ServiceCode;

  constructor(code: ServiceCode, message: string) {
    super(message);
    this.name = 'ServiceFailure';
    this.code = code;
  }
}

const SYSTEM: Record<string, [ServiceCode, string]> = {
  ENOENT: ['not-found', 'There is no such file or folder'],
  EEXIST: ['exists', 'Something of that name is already there'],
  ENOTDIR: ['not-a-directory', 'Part of the path is not a folder'],
  EISDIR: ['not-a-file', 'That is a folder'],
  ENOTEMPTY: ['not-empty', 'The folder is not empty'],
  EACCES: ['refused', 'The workspace may not do that with this file'],
  EPERM: ['refused', 'The workspace may not do that with this file'],
  EROFS: ['refused', 'This place is read-only'],
  ENOSPC: ['limit', 'The disk of the runner is full'],
  EDQUOT: ['limit', 'The disk quota of the workspace is used up'],
  EFBIG: ['too-large', 'The file is larger than the disk takes'],
  EMLINK: ['limit', 'The folder holds as much as the disk allows'],
  EINVAL: ['invalid', 'That can’t be done with this file'],
  EBUSY: ['refused', 'Something holds this place: it can’t be moved or deleted'],
  ELOOP: ['invalid', 'The links of this path go round in a circle'],
  ENAMETOOLONG: ['invalid', 'The name is too long'],
};

/** What a thrown error means to the browser; what is unknown stays `internal`. */
export function asServiceFailure(error: unknown): ServiceFailure {
  if (error instanceof ServiceFailure) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [name, message] = SYSTEM[code] ?? ['internal', `It failed${code === '' ? '' : ` (${code})`}`];
  return new ServiceFailure(name, message);
}
