/** Whether a server gave a value: what it may leave out, it may give as null, too. */
export const isThere = <T>(value: T): value is NonNullable<T> => value !== null && value !== undefined;
