/** Which of several hosts a screen is of. */
import type { ReactNode } from "react";
import shapes from "../design/shapes.module.css";
import type { HostLink } from "./host-link.ts";

export interface HostChoiceProps {
  readonly links: readonly HostLink[];
  readonly link: HostLink;
  /** By the host's id. */
  readonly onChoose: (id: string) => void;
}

/** Nothing where there is one. */
export function HostChoice({ links, link, onChoose }: HostChoiceProps): ReactNode {
  if (links.length < 2) return null;
  return (
    <select className={shapes.select} aria-label="Host" value={link.host.id} onChange={({ target }) => onChoose(target.value)}>
      {links.map(({ host, name }) => (
        <option key={host.id} value={host.id}>
          {name}
        </option>
      ))}
    </select>
  );
}
