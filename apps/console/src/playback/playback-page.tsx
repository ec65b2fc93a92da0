/** A session's record, or a recording that somebody picked, played on a terminal. */
import { type HostClient, readCast, type Session } from "@holdfast/sdk";
import { ArrowLeft, Download, FolderOpen, Pause, Play, SkipBack, SkipForward } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { Banner, Button, IconButton, MenuButton, MenuItem } from "../design/controls.tsx";
import type { HostLink } from "../host/host-link.ts";
import { type Names, useNames } from "../host/names.ts";
import { OnSession } from "../session/on-session.tsx";
import { Bar } from "../shell/bar.tsx";
import { sessionPath } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import { look } from "../theme/look.ts";
import { terminalGround } from "../theme/terminal-ground.ts";
import { SPEEDS } from "./clock.ts";
import { type Loaded, RecordingLoad, saveCast } from "./load.ts";
import css from "./playback.module.css";
import { Player } from "./player.ts";
import { type Marker, Recording } from "./recording.ts";

export function PlaybackPage({ hostId, sessionId }: { readonly hostId: string; readonly sessionId: string }): ReactNode {
  return (
    <OnSession hostId={hostId} sessionId={sessionId}>
      {(there) => <Playback {...there} />}
    </OnSession>
  );
}

interface PlaybackProps {
  readonly link: HostLink;
  readonly client: HostClient;
  readonly session: Session;
}

interface Picked {
  readonly name: string;
  readonly recording: Recording;
}

function Playback({ link, client, session }: PlaybackProps): ReactNode {
  const [, go] = useLocation();
  const [load, setLoad] = useState<RecordingLoad | null>(null);
  const [picked, setPicked] = useState<Picked | null>(null);
  const [fault, setFault] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const names = useNames(client, session);
  const first = useRef({ client, session });
  useEffect(() => {
    const reads = new RecordingLoad(first.current.client, first.current.session);
    setLoad(reads);
    return () => reads.end();
  }, []);
  const pick = async (chosen: File | undefined): Promise<void> => {
    if (!chosen) return;
    try {
      setPicked({ name: chosen.name, recording: Recording.from(readCast(await chosen.text())) });
      setFault("");
    } catch (why) {
      setFault(`${chosen.name} can not be played: ${why instanceof Error ? why.message : String(why)}`);
    }
  };
  const save = (version: 2 | 3): void =>
    void saveCast(client, session, version).catch((why: unknown) => setFault(`It was not saved: ${String(why)}`));
  return (
    <section className={css.screen} aria-label="Playback">
      <Bar
        title={picked ? picked.name : `Playback of ${session.name}`}
        lead={
          <IconButton label="The session" onPress={() => go(sessionPath(link.host.id, session.id))}>
            <ArrowLeft size={16} />
          </IconButton>
        }
      >
        {picked ? <Button onPress={() => setPicked(null)}>Back to {session.name}</Button> : null}
        <IconButton label="Play a recording of this device (.cast)" onPress={() => file.current?.click()}>
          <FolderOpen size={16} />
        </IconButton>
        <MenuButton label="Save as asciicast" icon={<Download size={16} />} onAction={(key) => save(key === "2" ? 2 : 3)}>
          <MenuItem id="3">asciicast, version 3</MenuItem>
          <MenuItem id="2">asciicast, version 2</MenuItem>
        </MenuButton>
        <input
          ref={file}
          className="visually-hidden"
          type="file"
          accept=".cast,application/x-asciicast"
          aria-label="A recording of this device"
          tabIndex={-1}
          onChange={({ target }) => {
            void pick(target.files?.[0]);
            target.value = "";
          }}
        />
      </Bar>
      {fault ? (
        <Banner tone="bad">
          <span>{fault}</span>
        </Banner>
      ) : null}
      {picked ? (
        <Played key={picked.name} loaded={wholeOf(picked.recording)} names={names} />
      ) : load ? (
        <Loading load={load} names={names} />
      ) : null}
    </section>
  );
}

const wholeOf = (recording: Recording): Loaded => ({ recording, part: 1, isWhole: true, why: "", endMs: recording.endMs });

function Loading({ load, names }: { readonly load: RecordingLoad; readonly names: Names }): ReactNode {
  const loaded = useStore(load.loaded);
  return <Played loaded={loaded} names={names} />;
}

function Played({ loaded, names }: { readonly loaded: Loaded; readonly names: Names }): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const [player, setPlayer] = useState<Player | null>(null);
  const { colours } = useStore(look);
  const { recording, isWhole } = loaded;
  const isReady = isWhole || recording.frames.length > 0;
  useEffect(() => {
    if (!frame.current || !isReady) return;
    const made = new Player(recording, frame.current);
    setPlayer(made);
    return () => made.end();
  }, [recording, isReady]);
  const pressed = (event: KeyboardEvent): void => {
    if (!player || event.ctrlKey || event.metaKey || event.altKey || isField(event.target)) return;
    const deed = deeds(player)[event.key];
    if (!deed) return;
    event.preventDefault();
    deed();
  };
  return (
    <div className={css.played} onKeyDown={pressed} role="application" aria-label="Playback" tabIndex={-1} ref={focused}>
      {loaded.why ? (
        <Banner tone="warn">
          <span>{loaded.why}</span>
        </Banner>
      ) : null}
      <div className={css.frame} dir="ltr" style={terminalGround(colours)}>
        <div className={css.terminal} ref={frame} />
        {isReady ? null : <p className={css.reading}>Reading the record: {Math.round(loaded.part * 100)} %</p>}
        {isWhole && recording.frames.length === 0 ? <p className={css.reading}>Nothing was printed.</p> : null}
      </div>
      {player ? <Controls player={player} loaded={loaded} names={names} /> : null}
    </div>
  );
}

/** So that its keys work at once. */
const focused = (element: HTMLElement | null): void => element?.focus({ preventScroll: true });

const isField = (target: EventTarget): boolean => target instanceof HTMLSelectElement || target instanceof HTMLInputElement;

const deeds = (player: Player): Readonly<Record<string, () => void>> => ({
  " ": () => player.toggle(),
  k: () => player.toggle(),
  ArrowRight: () => player.seek(player.position.value + 5_000),
  ArrowLeft: () => player.seek(player.position.value - 5_000),
  ".": () => player.step(1, "frames"),
  ",": () => player.step(-1, "frames"),
  "]": () => player.step(1, "markers"),
  "[": () => player.step(-1, "markers"),
  Home: () => player.seek(0),
  End: () => player.seek(Number.POSITIVE_INFINITY),
});

interface ControlsProps {
  readonly player: Player;
  readonly loaded: Loaded;
  readonly names: Names;
}

function Controls({ player, loaded, names }: ControlsProps): ReactNode {
  const position = useStore(player.position);
  const isPlaying = useStore(player.isPlaying);
  const pace = useStore(player.pace);
  const { recording, endMs } = loaded;
  return (
    <footer className={css.controls}>
      <Scrubber player={player} position={position} endMs={endMs} markers={recording.markers} names={names} />
      <div className={css.line}>
        <IconButton label="The command before" shortcut="[" onPress={() => player.step(-1, "markers")}>
          <SkipBack size={16} />
        </IconButton>
        <IconButton label={isPlaying ? "Pause" : "Play"} shortcut="Space" onPress={() => player.toggle()}>
          {isPlaying ? <Pause size={16} /> : <Play size={16} />}
        </IconButton>
        <IconButton label="The next command" shortcut="]" onPress={() => player.step(1, "markers")}>
          <SkipForward size={16} />
        </IconButton>
        <span className={css.time}>
          {timeText(position)} / {timeText(endMs)}
        </span>
        <Now markers={recording.markers} position={position} names={names} />
        <label className={css.skip}>
          <input
            type="checkbox"
            checked={pace.skipsIdle}
            onChange={({ target }) => player.pace.set({ ...pace, skipsIdle: target.checked })}
          />
          Skip pauses
        </label>
        <select
          aria-label="Speed"
          value={pace.speed}
          onChange={({ target }) => player.pace.set({ ...pace, speed: Number(target.value) })}
        >
          {SPEEDS.map((speed) => (
            <option key={speed} value={speed}>
              {speed}×
            </option>
          ))}
        </select>
      </div>
    </footer>
  );
}

interface ScrubberProps {
  readonly player: Player;
  readonly position: number;
  readonly endMs: number;
  readonly markers: readonly Marker[];
  readonly names: Names;
}

function Scrubber({ player, position, endMs, markers, names }: ScrubberProps): ReactNode {
  return (
    <div className={css.scrubber}>
      <input
        type="range"
        aria-label="Place in the recording"
        aria-valuetext={`${timeText(position)} of ${timeText(endMs)}`}
        min={0}
        max={Math.max(1, endMs)}
        step={1}
        value={position}
        onChange={({ target }) => {
          player.pause();
          player.seek(Number(target.value));
        }}
      />
      <div className={css.markers} aria-hidden>
        {apart(markers, endMs).map((marker) => (
          <span
            key={marker.atMs}
            data-tone={marker.tone}
            style={{ insetInlineStart: `${(marker.atMs / Math.max(1, endMs)) * 100}%` }}
            title={markerTitle(marker, names)}
          />
        ))}
      </div>
    </div>
  );
}

/** More than one marker in two pixels of a wide screen can't be told apart. */
const MOST_MARKERS = 600;

function apart(markers: readonly Marker[], endMs: number): readonly Marker[] {
  const least = endMs / MOST_MARKERS;
  let lastMs = Number.NEGATIVE_INFINITY;
  return markers.filter(({ atMs }) => {
    if (atMs - lastMs < least || atMs === lastMs) return false;
    lastMs = atMs;
    return true;
  });
}

const markerTitle = ({ text, actor }: Marker, names: Names): string => (actor ? `${names(actor).name}: ${text}` : text);

/** The command that the position is in, and who caused it. */
function Now({
  markers,
  position,
  names,
}: {
  readonly markers: readonly Marker[];
  readonly position: number;
  readonly names: Names;
}): ReactNode {
  const marker = markers.findLast(({ atMs }) => atMs <= position);
  return (
    <span className={css.now} title={marker ? markerTitle(marker, names) : ""}>
      {marker?.actor ? <bdi>{names(marker.actor).name}</bdi> : null}
      {marker ? <code>{marker.text}</code> : null}
    </span>
  );
}

/** `1:02:03`, `2:03` */
function timeText(ms: number): string {
  const s = Math.floor(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60), String(s % 60).padStart(2, "0")];
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}
