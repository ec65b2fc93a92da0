/** A terminal's letters: how large, of which fonts, and read aloud or not. */
import { type ReactNode, useId, useState } from "react";
import { TextField } from "../design/controls.tsx";
import { choose, isFamily, LETTER_PX, settings } from "../settings.ts";
import { useStore } from "../store.ts";
import css from "./settings.module.css";

export function Letters(): ReactNode {
  const { letterPx, letterFamily, readsAloud } = useStore(settings);
  const [family, setFamily] = useState(letterFamily);
  const [id, about] = [useId(), useId()];
  return (
    <>
      <div className={css.field}>
        <label htmlFor={id}>Size of letters</label>
        <span className={css.line}>
          <input
            id={id}
            type="range"
            min={LETTER_PX.least}
            max={LETTER_PX.most}
            value={letterPx}
            aria-valuetext={`${letterPx} pixels`}
            onChange={({ target }) => choose({ letterPx: Number(target.value) })}
          />
          <output htmlFor={id}>{letterPx} px</output>
        </span>
      </div>
      <TextField
        label="Fonts"
        hint="Names with commas between them, of fonts that this device has; the first that is there. None: JetBrains Mono, which comes with the page."
        mono
        value={family}
        placeholder="Iosevka Term, Fira Code"
        onChange={(value) => {
          setFamily(value);
          if (isFamily(value)) choose({ letterFamily: value.trim().replace(/,+$/, "") });
        }}
        wrong={isFamily(family) ? undefined : "A list of fonts is names and commas; a name may stand in double quotes."}
      />
      <div className={css.field}>
        <label className={css.line}>
          <input
            type="checkbox"
            checked={readsAloud}
            aria-describedby={about}
            onChange={({ target }) => choose({ readsAloud: target.checked })}
          />
          Screen reader support
        </label>
        <span id={about} className={css.hint}>
          Each line of a terminal is text that can be read aloud. It costs some speed.
        </span>
      </div>
    </>
  );
}
