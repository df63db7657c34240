import type { OwnQuota } from '@gatehouse/core/api/quotas.ts';

type Part = OwnQuota['workspaces'];

/** "2 of 3", "2, no limit" */
export const usedWords = ({ used, limit }: Part): string => (limit === null ? `${used}, no limit` : `${used} of ${limit}`);

export const isUsedUp = ({ used, limit }: Part): boolean => limit !== null && used >= limit;

/** What is typed, as the API takes it: nothing says nothing. */
export const numberOf = (typed: string): number | null => (typed.trim() === '' ? null : Number(typed));
export const typedOf = (value: number | null): string => (value === null ? '' : String(value));
