/** A shell at the end of somebody's wire: bytes in, bytes out. */
export interface Line {
  /** while the network is cut, kept or lost as the system's own page would */
  send(bytes: Uint8Array): void;
  /** stops and goes on reading from the network, as a page that its browser froze */
  pause(): void;
  resume(): void;
  /** close codes of its connections so far, where the system has those */
  readonly closes?: readonly number[];
  /** ends the shell and the connection */
  close(): Promise<void>;
  /** one more viewer of this shell, on a connection of its own, where the system has that; closing it leaves the shell */
  join?(onBytes: (bytes: Uint8Array) => void): Promise<Line>;
}

/** Pids by role: `server` is what pages dial, `runner` what holds the shells where that is another program. */
export interface Processes {
  server: number[];
  runner: number[];
}

/** A system that opens shells in the browser. */
export interface System {
  readonly name: string;
  /** where its server listens on this machine, so that a network can be put before it */
  readonly port: number;
  /** whether a line dials again after a cut and goes on */
  readonly reconnects: boolean;
  /**
   * @param onBytes gets the output, in order, from its first byte
   * @param via port to dial instead of the server's own
   */
  open(onBytes: (bytes: Uint8Array) => void, via?: number): Promise<Line>;
  /** those that run now; the shells are among their descendants */
  processes(): Processes;
  stop(): Promise<void>;
}

/** What only ours has: several viewers at one terminal, and files over its connection. */
export interface WorkspaceLine extends Line {
  join(onBytes: (bytes: Uint8Array) => void): Promise<Line>;
  read(path: string): Promise<Buffer>;
  write(path: string, bytes: Uint8Array): Promise<void>;
}

export interface WorkspaceSystem extends System {
  open(onBytes: (bytes: Uint8Array) => void, via?: number): Promise<WorkspaceLine>;
}
