/** Detail keywords of RFC 7644, table 9. */
export type ScimType =
  'invalidFilter' | 'tooMany' | 'uniqueness' | 'mutability' | 'invalidSyntax' | 'invalidPath' | 'noTarget' | 'invalidValue';

/** What a directory is answered when a call can't be done (RFC 7644 §3.12). */
export class ScimError extends Error {
  readonly status: number;
  readonly scimType: ScimType | null;
  /** what stands in the way, where there is one */
  readonly existingId: string | null;

  constructor(status: number, scimType: ScimType | null, detail: string, existingId: string | null = null) {
    super(detail);
    this.name = 'ScimError';
    this.status = status;
    this.scimType = scimType;
    this.existingId = existingId;
  }
}

export const invalidValue = (detail: string) => new ScimError(400, 'invalidValue', detail);
export const invalidPath = (detail: string) => new ScimError(400, 'invalidPath', detail);
export const invalidFilter = (detail: string) => new ScimError(400, 'invalidFilter', detail);
