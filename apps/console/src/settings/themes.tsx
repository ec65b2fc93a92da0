/** Which colours terminals have, and more of them out of files. */
import { Trash2, Upload } from "lucide-react";
import { type ReactNode, useId, useRef, useState } from "react";
import { Button, IconButton } from "../design/controls.tsx";
import { scheme } from "../design/scheme.ts";
import { choose, MOST_THEMES, type Settings, settings } from "../settings.ts";
import { useStore } from "../store.ts";
import { builtIn, coloursNamed } from "../theme/built-in.ts";
import { readThemeFile } from "../theme/pick.ts";
import { type Colours, contrastOf, isDark, type Theme } from "../theme/theme.ts";
import css from "./settings.module.css";

type Said = { readonly is: "good" | "bad"; readonly text: string } | null;

export function Themes(): ReactNode {
  const { themes, imported } = useStore(settings);
  const now = useStore(scheme);
  const [said, setSaid] = useState<Said>(null);
  return (
    <>
      <div className={css.pair}>
        {(["light", "dark"] as const).map((one) => (
          <Pick
            key={one}
            of={one}
            isNow={one === now}
            name={themes[one]}
            imported={imported}
            onChange={(name) => choose({ themes: { ...themes, [one]: name } })}
          />
        ))}
      </div>
      <Import onSaid={setSaid} />
      <p role={said?.is === "bad" ? "alert" : "status"} className={said?.is === "bad" ? css.wrong : css.hint}>
        {said?.text}
      </p>
      {imported.length > 0 ? (
        <ul className={css.imported} aria-label="Imported themes">
          {imported.map((theme) => (
            <li key={theme.name}>
              <bdi>{theme.name}</bdi>
              <IconButton label={`Remove ${theme.name}`} onPress={() => setSaid(remove(theme.name, settings.value))}>
                <Trash2 size={15} />
              </IconButton>
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}

function remove(name: string, { imported }: Settings): Said {
  choose({ imported: imported.filter((one) => one.name !== name) });
  return { is: "good", text: `${name} is removed.` };
}

interface PickProps {
  readonly of: "light" | "dark";
  readonly isNow: boolean;
  readonly name: string;
  readonly imported: readonly Theme[];
  readonly onChange: (name: string) => void;
}

function Pick({ of, isNow, name, imported, onChange }: PickProps): ReactNode {
  const id = useId();
  const all: readonly Theme[] = [...builtIn, ...imported];
  const shown = all.some((one) => one.name === name) ? name : `Holdfast ${of}`;
  const colours = coloursNamed(shown, imported, of);
  return (
    <div className={css.field}>
      <label htmlFor={id}>
        {of === "light" ? "Theme in light colours" : "Theme in dark colours"}
        {isNow ? <span className={css.hint}> (now)</span> : null}
      </label>
      <select id={id} value={shown} onChange={({ target }) => onChange(target.value)}>
        {all.map((one) => (
          <option key={one.name}>{one.name}</option>
        ))}
      </select>
      <Preview colours={colours} />
      <span className={css.hint}>{contrastText(colours)}</span>
    </div>
  );
}

function contrastText({ background, foreground }: Colours): string {
  const contrast = contrastOf(background, foreground);
  return `Contrast of its letters: ${contrast.toFixed(1)}${contrast < 4.5 ? ", less than the 4.5 that are easy to read" : ""}.`;
}

const ROWS = [
  ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"],
  ["brightBlack", "brightRed", "brightGreen", "brightYellow", "brightBlue", "brightMagenta", "brightCyan", "brightWhite"],
] as const;

function Preview({ colours }: { readonly colours: Colours }): ReactNode {
  return (
    <div className={css.preview} style={{ background: colours.background, color: colours.foreground }} aria-hidden dir="ltr">
      <span>
        $ hold attach <span style={{ background: colours.selectionBackground }}>build</span>
        <span style={{ background: colours.cursor }}> </span>
      </span>
      {ROWS.map((row) => (
        <span key={row[0]} className={css.swatches}>
          {row.map((colour) => (
            <span key={colour} style={{ background: colours[colour] }} />
          ))}
        </span>
      ))}
    </div>
  );
}

function Import({ onSaid }: { readonly onSaid: (said: Said) => void }): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  const take = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    const read = await readThemeFile(file);
    onSaid(read.ok ? kept(read.themes) : { is: "bad", text: `${file.name} was not imported: ${read.why}.` });
  };
  return (
    <div className={css.field}>
      <span>
        <Button onPress={() => input.current?.click()}>
          <Upload size={15} aria-hidden /> Import a theme
        </Button>
      </span>
      <input
        ref={input}
        className="visually-hidden"
        type="file"
        accept=".itermcolors,.json,.jsonc,.xml"
        aria-label="A theme file of this device"
        tabIndex={-1}
        onChange={({ target }) => {
          void take(target.files?.[0]);
          target.value = "";
        }}
      />
      <span className={css.hint}>
        Of iTerm2 (.itermcolors), Windows Terminal, VS Code, or xterm.js; the file is read here and sent nowhere.
      </span>
    </div>
  );
}

/** They are there to choose from, and the first is chosen where it suits. One of the same name is replaced. */
function kept(read: readonly Theme[]): Said {
  const { imported, themes } = settings.value;
  const named = read.map(({ name, colours }) => ({ name: freeOf(name), colours }));
  const others = imported.filter((one) => !named.some(({ name }) => name === one.name));
  const [first] = named;
  if (!first) return null;
  const suits = isDark(first.colours) ? "dark" : "light";
  try {
    choose({ imported: [...others, ...named], themes: { ...themes, [suits]: first.name } });
  } catch {
    return { is: "bad", text: "This browser keeps nothing more for the page: remove a theme first." };
  }
  const names = named.map(({ name }) => name).join(", ");
  const dropped = others.length + named.length - MOST_THEMES;
  return {
    is: "good",
    text: `${names}: imported. ${first.name} is the theme in ${suits} colours now.${dropped > 0 ? ` At most ${MOST_THEMES} are kept: the ${dropped} oldest are gone.` : ""}`,
  };
}

/** The page's own themes stay what they are. */
const freeOf = (name: string): string => (builtIn.some((one) => one.name === name) ? `${name} (imported)` : name);
