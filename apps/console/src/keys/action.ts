/** What keys can do: each with its chord until somebody chooses another, in the order in which they are shown. */

export interface Action {
  readonly text: string;
  /**
   * `page`: wherever no terminal has the keys, and in one too if its chord is none of a terminal's (chord.ts, C2);
   * `sessions`: on the list of sessions; `terminal`: in a session's.
   */
  readonly in: "page" | "sessions" | "terminal";
  /** As tinykeys writes it; null: none. */
  readonly chord: string | null;
}

export const actions = {
  palette: { text: "Search and commands", in: "page", chord: "$mod+K" },
  "palette-anywhere": { text: "Search and commands, also in a terminal", in: "page", chord: "Control+Shift+K" },
  new: { text: "New session", in: "sessions", chord: "N" },
  sessions: { text: "Go to Sessions", in: "page", chord: null },
  approvals: { text: "Go to Approvals", in: "page", chord: null },
  operators: { text: "Go to Operators", in: "page", chord: null },
  policy: { text: "Go to Policy", in: "page", chord: null },
  audit: { text: "Go to Audit", in: "page", chord: null },
  hosts: { text: "Go to Hosts", in: "page", chord: null },
  settings: { text: "Go to Settings", in: "page", chord: "$mod+," },
  timeline: { text: "Timeline", in: "terminal", chord: "Control+Shift+L" },
  files: { text: "Files and ports", in: "terminal", chord: "Control+Shift+E" },
  find: { text: "Search what was printed", in: "terminal", chord: "Control+Shift+F" },
  leave: { text: "Out of the terminal, to its bar", in: "terminal", chord: "Control+Shift+ArrowUp" },
  copy: { text: "Copy what is marked", in: "terminal", chord: "Control+Shift+C" },
  larger: { text: "Larger letters in terminals", in: "page", chord: null },
  smaller: { text: "Smaller letters in terminals", in: "page", chord: null },
} as const satisfies Record<string, Action>;

export type ActionId = keyof typeof actions;
export const actionIds = Object.keys(actions) as readonly ActionId[];
