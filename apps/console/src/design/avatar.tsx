/** Who somebody is, at a glance: people are round, programs square, AIs square with a dashed edge; who steers has the accent. */
import { OperatorKind } from "@holdfast/sdk";
import type { ReactNode } from "react";
import css from "./controls.module.css";

const KINDS: Readonly<Record<number, string>> = {
  [OperatorKind.HUMAN]: "person",
  [OperatorKind.SERVICE]: "service",
  [OperatorKind.AI]: "ai",
};

export const kindText = (kind: OperatorKind): string =>
  ({ person: "person", service: "program", ai: "AI" })[KINDS[kind] ?? ""] ?? "";

export interface AvatarProps {
  readonly name: string;
  readonly kind: OperatorKind;
  readonly steers?: boolean;
  /** How it came: `cli`, `web`, `mcp`, … */
  readonly via?: string;
}

export function Avatar({ name, kind, steers, via }: AvatarProps): ReactNode {
  const text = `${name}, ${kindText(kind)}${via ? ` by ${via}` : ""}${steers ? ", steers" : ""}`;
  return (
    <span
      className={css.avatar}
      data-kind={KINDS[kind]}
      data-steers={steers || undefined}
      role="img"
      aria-label={text}
      title={text}
    >
      {[...name].slice(0, 2).join("")}
    </span>
  );
}
