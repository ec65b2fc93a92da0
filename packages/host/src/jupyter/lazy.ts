/** The endpoint, loaded when it is first asked for, or by a host that had it in the life before: no other one reads its code. */
import { existsSync } from "node:fs";
import { HoldError } from "@holdfast/protocol";
import type { JupyterDoor } from "./door.ts";
import type { Jupyter, JupyterParts } from "./endpoint.ts";

export interface LazyJupyter extends JupyterDoor {
  restore(): Promise<void>;
  leave(): void;
}

export function lazyJupyter(parts: JupyterParts): LazyJupyter {
  let made: Jupyter | null = null;
  const load = async (): Promise<Jupyter> => {
    const { Jupyter } = await import("./endpoint.ts");
    return (made ??= new Jupyter(parts));
  };
  return {
    get url() {
      return made?.url ?? null;
    },
    get root() {
      return made?.root ?? "";
    },
    open: async (wish) => (await load()).open(wish),
    mint(operator, key) {
      if (!made?.url) throw new HoldError("unsupported", "the endpoint for Jupyter is not open");
      return made.mint(operator, key);
    },
    close: async () => made?.close(),
    restore: async () => (existsSync(parts.path) ? (await load()).restore() : undefined),
    leave: () => made?.leave(),
  };
}
