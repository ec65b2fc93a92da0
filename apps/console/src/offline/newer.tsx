/** A newer page is there: said in a corner, over whatever screen there is. */
import { RefreshCw } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../design/controls.tsx";
import { useStore } from "../store.ts";
import css from "./offline.module.css";
import { isNewerThere, takeNewer } from "./updates.ts";

export function Newer(): ReactNode {
  const isThere = useStore(isNewerThere);
  return (
    <div className={css.newer} role="status">
      {isThere ? (
        <div className={css.card}>
          <span>A newer version is there.</span>
          <Button look="primary" onPress={takeNewer}>
            <RefreshCw size={15} aria-hidden /> Reload
          </Button>
        </div>
      ) : null}
    </div>
  );
}
