/** What the rest of the host knows of the endpoint for clients of Jupyter: it may be opened, and it may be closed. */
import type { RegisteredOperator } from "../operator/registry.ts";

export interface JupyterWish {
  /** `ADDRESS:PORT` of this machine's loopback; empty: as it is, or as it was. */
  readonly listen: string;
  /** Absolute path of the folder whose files it shows; empty: as it was, or none. */
  readonly root: string;
  /** K=V of who asks: what kernels are found and started by. */
  readonly env: readonly string[];
}

export interface JupyterServed {
  /** `http://127.0.0.1:7435` */
  readonly url: string;
  readonly token: string;
  readonly untilUnixMs: number;
  readonly root: string;
}

export interface JupyterDoor {
  /** Null: it is not open. */
  readonly url: string | null;
  readonly root: string;
  /** Opens it, where it is not open as wished. Throws `usage` or `start_failed`. */
  open(wish: JupyterWish): Promise<void>;
  /** A token for this operator; `key`: that they proved, hex. */
  mint(operator: RegisteredOperator, key: string): JupyterServed;
  /** Nobody is there any more, and every token is void. */
  close(): Promise<void>;
}
