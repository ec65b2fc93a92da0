/** Searches what the terminal shows and the lines above it. */
import type { ISearchResultChangeEvent } from "@xterm/addon-search";
import { ChevronDown, ChevronUp, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { IconButton } from "../design/controls.tsx";
import css from "./session.module.css";
import type { TerminalView } from "./terminal-view.ts";

/** All that is found has a frame, which stands out on light and dark alike; the one that one is at is marked. */
const decorations = { matchBorder: "#8a8f94", matchOverviewRuler: "#8a8f94", activeMatchColorOverviewRuler: "#8a8f94" };

function foundText(found: ISearchResultChangeEvent | null): string {
  if (!found) return "";
  const { resultIndex, resultCount } = found;
  if (resultCount === 0) return "not found";
  // So many are not counted to their end.
  return resultIndex < 0 ? `${resultCount} or more` : `${resultIndex + 1} of ${resultCount}`;
}

export function Find({ view, onDone }: { readonly view: TerminalView; readonly onDone: () => void }): ReactNode {
  const [text, setText] = useState("");
  const [found, setFound] = useState<ISearchResultChangeEvent | null>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  useEffect(() => {
    const told = view.search.onDidChangeResults(setFound);
    return () => told.dispose();
  }, [view]);
  const leave = (): void => {
    view.search.clearDecorations();
    onDone();
    view.terminal.focus();
  };
  const go = (back: boolean, wanted = text): void => {
    if (wanted === "") view.search.clearDecorations();
    else if (back) view.search.findPrevious(wanted, { decorations });
    else view.search.findNext(wanted, { decorations, incremental: wanted !== text });
  };
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
      <span role="status">{text === "" ? "" : foundText(found)}</span>
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
