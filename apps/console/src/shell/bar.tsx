/** The line above a screen: what it is, and what can be done with all of it. */
import { type ReactNode, useEffect } from "react";
import css from "./shell.module.css";

export function Bar({
  title,
  lead,
  shape,
  children,
}: {
  readonly title: string;
  readonly lead?: ReactNode;
  /** A class that arranges it. */
  readonly shape?: string | undefined;
  readonly children?: ReactNode;
}): ReactNode {
  useEffect(() => {
    document.title = `${title} · Holdfast`;
  }, [title]);
  return (
    <header className={shape ? `${css.bar} ${shape}` : css.bar}>
      {lead}
      <h1>
        <bdi>{title}</bdi>
      </h1>
      <div className={css.tools}>{children}</div>
    </header>
  );
}
