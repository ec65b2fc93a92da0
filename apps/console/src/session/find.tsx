/** Searches what the terminal shows and the lines above it. */
import { ChevronDown, ChevronUp, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { IconButton } from "../design/controls.tsx";
import css from "./session.module.css";
import type { TerminalView } from "./terminal-view.ts";

export function Find({ view, onDone }: { readonly view: TerminalView; readonly onDone: () => void }): ReactNode {
  const [text, setText] = useState("");
  const [isFound, setFound] = useState(true);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const leave = (): void => {
    view.search.clearDecorations();
    onDone();
    view.terminal.focus();
  };
  const go = (back: boolean, wanted = text): void =>
    setFound(
      wanted === "" || (back ? view.search.findPrevious(wanted) : view.search.findNext(wanted, { incremental: wanted !== text })),
    );
  return (
    <search className={css.find}>
      <input
        aria-label="Search what was printed"
        placeholder="Search"
        ref={input}
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          go(false, target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") go(!event.shiftKey);
          if (event.key === "Escape") leave();
        }}
      />
      <span role="status" className="visually-hidden">
        {isFound ? "" : "Not found"}
      </span>
      <IconButton label="Earlier" onPress={() => go(true)}>
        <ChevronUp size={15} />
      </IconButton>
      <IconButton label="Later" onPress={() => go(false)}>
        <ChevronDown size={15} />
      </IconButton>
      <IconButton label="Close the search" onPress={leave}>
        <X size={15} />
      </IconButton>
    </search>
  );
}
