/** Keys that a phone's keyboard lacks. Ctrl and Alt hold for the next key. */
import type { ReactNode } from "react";
import { ToggleButton } from "react-aria-components";
import controls from "../design/controls.module.css";
import { Button } from "../design/controls.tsx";
import { useStore } from "../store.ts";
import css from "./session.module.css";
import type { TerminalView } from "./terminal-view.ts";

const KEYS: readonly (readonly [name: string, label: string, text: string])[] = [
  ["Esc", "Esc", "\u001b"],
  ["Tab", "Tab", "\t"],
  ["^C", "^C, interrupt", "\u0003"],
  ["↑", "↑, up", "\u001b[A"],
  ["↓", "↓, down", "\u001b[B"],
  ["←", "←, left", "\u001b[D"],
  ["→", "→, right", "\u001b[C"],
  ["|", "|, pipe", "|"],
  ["/", "/, slash", "/"],
  ["-", "-, dash", "-"],
  ["~", "~, tilde", "~"],
];

export function KeysBar({ view }: { readonly view: TerminalView }): ReactNode {
  const held = useStore(view.modifier);
  return (
    <div className={css.keys} role="toolbar" aria-label="Keys">
      {(["ctrl", "alt"] as const).map((key) => (
        <ToggleButton
          key={key}
          className={controls.button!}
          isSelected={held === key}
          onChange={(on) => {
            view.modifier.set(on ? key : null);
            view.terminal.focus();
          }}
        >
          {key === "ctrl" ? "Ctrl" : "Alt"}
        </ToggleButton>
      ))}
      {KEYS.map(([name, label, text]) => (
        <Button
          key={name}
          aria-label={label}
          onPress={() => {
            view.type(
              text.startsWith("\u001b[") && view.terminal.modes.applicationCursorKeysMode ? text.replace("[", "O") : text,
            );
            view.terminal.focus();
          }}
        >
          {name}
        </Button>
      ))}
    </div>
  );
}
