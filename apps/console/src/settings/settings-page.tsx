/** How this page is for whoever uses this browser: its colours, its terminals, its keys. */
import { type ReactNode, useId } from "react";
import { Choice } from "../design/controls.tsx";
import { chooseScheme, chosenScheme } from "../design/scheme.ts";
import { Bar } from "../shell/bar.tsx";
import { choose, settings } from "../settings.ts";
import { useStore } from "../store.ts";
import { Keys } from "./keys.tsx";
import { Letters } from "./letters.tsx";
import css from "./settings.module.css";
import { Themes } from "./themes.tsx";

export function SettingsPage(): ReactNode {
  const scheme = useStore(chosenScheme);
  const { direction } = useStore(settings);
  return (
    <>
      <Bar title="Settings" />
      <div className={css.all}>
        <p className={css.hint}>All of this is kept in this browser, and told to no host.</p>
        <Part title="The page">
          <Choice
            label="Colours"
            value={scheme ?? "system"}
            onChange={(chosen) => chooseScheme(chosen === "system" ? null : chosen)}
            of={{ system: "As the system has them", light: "Light", dark: "Dark" }}
          />
          <Choice
            label="Reading direction"
            value={direction}
            onChange={(chosen) => choose({ direction: chosen })}
            of={{ ltr: "From the left", rtl: "From the right" }}
          />
        </Part>
        <Part title="Terminals">
          <Themes />
          <Letters />
        </Part>
        <Part title="Keys">
          <Keys />
        </Part>
      </div>
    </>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactNode {
  const id = useId();
  return (
    <section className={css.part} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}
