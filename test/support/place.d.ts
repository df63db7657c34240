/** The repository. */
export declare const ROOT: string;
/** A port that nobody uses now. */
export declare function freePort(): Promise<number>;
