/** The floor as a thing that one sees and hands on: who steers, who asks, and what can be done about it. */
import { type Attachment, FloorMode, OperatorKind } from "@holdfast/sdk";
import { ArrowRightLeft, Hand, Pause, Play } from "lucide-react";
import type { ReactNode } from "react";
import { Avatar } from "../design/avatar.tsx";
import { Badge, Button, IconButton, MenuButton, MenuItem } from "../design/controls.tsx";
import { useStore } from "../store.ts";
import { say } from "./say.ts";
import css from "./session.module.css";
import type { TerminalView } from "./terminal-view.ts";

type Verb = Extract<keyof Attachment, "take" | "release" | "ask" | "aiPause" | "aiResume">;

export function FloorBar({ view }: { readonly view: TerminalView }): ReactNode {
  const floor = useStore(view.floor);
  const presence = useStore(view.presence);
  const attachment = useStore(view.attachment);
  if (!floor || !attachment) return null;
  const does = (verb: Verb): void => {
    say(view, attachment[verb]());
    view.terminal.focus();
  };
  const pass = (operator: string): void => {
    say(view, attachment.pass(operator));
    view.terminal.focus();
  };
  const own = floor.seat === attachment.id;
  const name = presence.find((p) => p.attachment === attachment.id)?.name ?? "";
  const next = presence.find((p) => p.name === floor.asking[0]);
  const others = presence.filter((p) => p.attachment !== attachment.id && !p.observing);
  const hasAi = presence.some((p) => p.kind === OperatorKind.AI) || floor.aiPaused;
  return (
    <div className={css.floor} role="toolbar" aria-label="The floor">
      <Steers floor={floor} own={own} mayType={!attachment.observing} />
      <Asking floor={floor} own={name} />
      {attachment.observing ? (
        <Badge>you look on</Badge>
      ) : own && next ? (
        <Button look="primary" onPress={() => pass(next.operator)}>
          Pass it
        </Button>
      ) : own ? (
        <Button onPress={() => does("release")}>Release</Button>
      ) : floor.holder !== "" ? (
        <>
          <Button onPress={() => does("take")}>Take</Button>
          {floor.asking.includes(name) ? null : (
            <IconButton label="Ask for the floor" onPress={() => does("ask")}>
              <Hand size={16} />
            </IconButton>
          )}
        </>
      ) : null}
      {own && others.length > 0 ? (
        <MenuButton label="Pass the floor to" icon={<ArrowRightLeft size={16} />} onAction={(operator) => pass(String(operator))}>
          {others.map((p) => (
            <MenuItem key={p.attachment} id={p.operator} textValue={p.name}>
              <Avatar name={p.name} kind={p.kind} /> Pass to <bdi>{p.name}</bdi>
            </MenuItem>
          ))}
        </MenuButton>
      ) : null}
      {hasAi && !attachment.observing ? (
        <IconButton
          label={floor.aiPaused ? "Let AIs go on" : "Pause AIs: none of their input is taken"}
          onPress={() => does(floor.aiPaused ? "aiResume" : "aiPause")}
        >
          {floor.aiPaused ? <Play size={16} /> : <Pause size={16} />}
        </IconButton>
      ) : null}
      {floor.aiPaused ? <Badge tone="warn">AIs paused</Badge> : null}
    </div>
  );
}

type Floor = NonNullable<TerminalView["floor"]["value"]>;

/** Who waits for the floor. */
function Asking({ floor, own }: { readonly floor: Floor; readonly own: string }): ReactNode {
  const others = floor.asking.filter((name) => name !== own);
  return (
    <>
      {others.length < floor.asking.length ? <Badge tone="warn">you asked for it</Badge> : null}
      {others.length > 0 ? <Badge tone="warn">{others.join(", ")} asks</Badge> : null}
    </>
  );
}

interface SteersProps {
  readonly floor: Floor;
  readonly own: boolean;
  readonly mayType: boolean;
}

function Steers({ floor, own, mayType }: SteersProps): ReactNode {
  if (floor.mode === FloorMode.OPEN) return <Badge>all may type</Badge>;
  if (own) return <Badge tone="accent">you steer</Badge>;
  if (floor.holder === "") return <Badge>{mayType ? "free: type to steer" : "nobody steers"}</Badge>;
  return (
    <span>
      <strong>
        <bdi>{floor.holderName}</bdi>
      </strong>{" "}
      steers
    </span>
  );
}
