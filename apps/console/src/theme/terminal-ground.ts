/** The ground of a terminal for what stands around it, as the style sheets know it. */
import type { CSSProperties } from "react";
import type { Colours } from "./theme.ts";

export const terminalGround = ({ background }: Colours): CSSProperties => ({ "--terminal": background }) as CSSProperties;
