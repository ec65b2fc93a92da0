/** The one line of who is there and who steers, and when a change is worth it. */
import { escapeText, type Floor, floorModeWord, type Presence } from "@holdfast/sdk";
import { operatorKindWord } from "../show/words.ts";

/** The floor as one person sees it. */
export function steerText(floor: Floor, me: string): string {
  const paused = floor.aiPaused ? " · AI paused" : "";
  if (floorModeWord(floor.mode) === "open") return `all may type${paused}`;
  const asking = floor.asking.length > 0 ? ` · asked for by ${floor.asking.join(", ")}` : "";
  const kind = operatorKindWord(floor.holderKind);
  const who =
    floor.holder === ""
      ? "nobody steers"
      : floor.holder === me
        ? "you steer"
        : `${floor.holderName || floor.holder}${kind === "ai" || kind === "service" ? ` (${kind})` : ""} steers`;
  return `${who}${asking}${paused}`;
}

export function hereText(presence: readonly Presence[], me: string): string {
  const others = new Map<string, string>();
  for (const p of presence)
    if (p.operator !== me)
      others.set(
        p.operator,
        `${p.name || p.operator}${operatorKindWord(p.kind) === "ai" ? " (ai)" : ""}${p.observing ? " (watching)" : ""}${p.plain ? " (not end to end)" : ""}`,
      );
  const mine = presence.filter((p) => p.operator === me).length;
  return [mine > 1 ? `you ×${mine}` : others.size === 0 ? "you alone" : "you", ...others.values()].join(", ");
}

export function statusText(name: string, presence: readonly Presence[], floor: Floor, me: string): string {
  return escapeText(`${name} · ${hereText(presence, me)} · ${steerText(floor, me)}`);
}

/** A change of floor is told when it concerns somebody else: my own taking and idling away of a free floor is not news to me. */
export function floorIsNews(before: Floor, after: Floor, me: string): boolean {
  if (before.aiPaused !== after.aiPaused) return true;
  if (after.asking.some((who) => !before.asking.includes(who))) return true;
  if (before.holder === after.holder) return false;
  return after.holder !== "" && (after.holder !== me || before.holder !== "");
}

export function presenceIsNews(before: readonly Presence[], after: readonly Presence[], me: string): boolean {
  const others = (list: readonly Presence[]) =>
    [...new Set(list.filter((p) => p.operator !== me).map((p) => p.operator))].sort().join("\0");
  return others(before) !== others(after);
}

/** What waits for a person's approval; null: nothing that concerns this one. */
export function approvalsText(waiting: number, own: number): string | null {
  if (waiting > 0) return `${waiting} wait${waiting === 1 ? "s" : ""} for approval or an answer: hold approvals`;
  return own > 0 ? `your AI waits for somebody's approval: hold approvals` : null;
}
