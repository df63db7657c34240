/** The platform's own CryptoKey: each has the type, but not all have its name. */
export type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;
