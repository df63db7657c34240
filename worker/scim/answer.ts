import type { Json } from '@gatehouse/core/scim/filter-match.ts';

/** What a call is answered. */
export interface Answer {
  status: number;
  /** null: nothing */
  body: Json | null;
  etag?: string;
  location?: string;
}

/** What a caller asks beside the resource itself. */
export interface Conditions {
  ifMatch: string | null;
  ifNoneMatch: string | null;
}
