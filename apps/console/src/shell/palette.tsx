/** Everything by name, from the keyboard: sessions to go to, and what can be done. */
import { escapeText } from "@holdfast/sdk";
import { type ReactNode, useMemo } from "react";
import { Autocomplete, Dialog, Input, Menu, MenuItem, Modal, ModalOverlay, SearchField, useFilter } from "react-aria-components";
import { useLocation } from "wouter";
import controls from "../design/controls.module.css";
import { Kbd } from "../design/controls.tsx";
import { useLinks } from "../host/hosts.ts";
import { here } from "../session/here.ts";
import { useListed } from "../sessions/listed.ts";
import { useStore } from "../store.ts";
import { hostPath, paths, sessionPath } from "./routes.ts";
import css from "./shell.module.css";

export interface Command {
  readonly id: string;
  readonly text: string;
  readonly hint?: string;
  readonly shortcut?: string | undefined;
  readonly run: () => void;
}

export interface PaletteProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly commands: readonly Command[];
}

export function Palette({ isOpen, onClose, commands }: PaletteProps): ReactNode {
  const { contains } = useFilter({ sensitivity: "base" });
  const all: readonly Command[] = [...useGoing(), ...useStore(here), ...commands];
  return (
    <ModalOverlay className={controls.scrim!} isOpen={isOpen} onOpenChange={(open) => open || onClose()} isDismissable>
      <Modal className={controls.modal!}>
        <Dialog className={css.palette!} aria-label="Search and commands">
          <Autocomplete filter={contains}>
            <SearchField className={css.search!} aria-label="Search and commands" autoFocus>
              <Input placeholder="A session, a host, or what to do" />
            </SearchField>
            <Menu
              className={css.results!}
              aria-label="Found"
              items={all}
              renderEmptyState={() => <p className={css.none}>Nothing is called that.</p>}
            >
              {(command) => (
                <MenuItem
                  className={controls.item!}
                  textValue={`${command.text} ${command.hint ?? ""}`}
                  onAction={() => {
                    onClose();
                    command.run();
                  }}
                >
                  <bdi>{command.text}</bdi>
                  {command.hint ? <bdi className={controls.hint}>{command.hint}</bdi> : null}
                  {command.shortcut ? <Kbd>{command.shortcut}</Kbd> : null}
                </MenuItem>
              )}
            </Menu>
          </Autocomplete>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** Sessions and screens. */
function useGoing(): readonly Command[] {
  const links = useLinks();
  const listed = useListed(links);
  const [, go] = useLocation();
  return useMemo(() => {
    const sessions = (listed ?? []).map(({ id, link, session }) => ({
      id,
      text: session.name,
      hint: links.length > 1 ? `session on ${link.name}` : escapeText(session.running) || "session",
      run: () => go(sessionPath(link.host.id, session.id)),
    }));
    const hosts = links.map(({ host, name }) => ({ id: host.id, text: name, hint: "host", run: () => go(hostPath(host.id)) }));
    return [...sessions, ...hosts, { id: "sessions", text: "All sessions", run: () => go(paths.sessions) }];
  }, [listed, links, go]);
}
