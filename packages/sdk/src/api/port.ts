/** Ports of a session. */

/** What a program of a session listens on. */
export interface ListeningPort {
  readonly port: number;
  /** Where it is reached, on the session's machine: `127.0.0.1` or `::1`. */
  readonly address: string;
  readonly pid: number;
  readonly program: string;
}

/** One TCP connection to a port of a session. Read in a loop, at the loop's pace; leaving the loop does not close it. */
export interface PortStream extends AsyncIterable<Uint8Array> {
  /** Resolves when the host has room for it. Rejects when the connection is over. */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more is written; what comes is still read. */
  end(): Promise<void>;
  close(): void;
}
