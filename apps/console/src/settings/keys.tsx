/** Each thing that keys can do, and which: to be chosen anew, taken away, and put back as it was. */
import { RotateCcw, X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { Button, IconButton, Kbd } from "../design/controls.tsx";
import { type ActionId, actionIds, actions } from "../keys/action.ts";
import { chordOf, chordText, isSameChord, whyNot } from "../keys/chord.ts";
import { type ChosenChords, chordFor, holderOf } from "../keys/chords.ts";
import { isMac } from "../keys/use-keys.ts";
import { choose, settings } from "../settings.ts";
import { useStore } from "../store.ts";
import css from "./settings.module.css";

const PLACES = { page: "anywhere", sessions: "on Sessions", terminal: "in a terminal" } as const;

export function Keys(): ReactNode {
  const { chords } = useStore(settings);
  return (
    <>
      <p className={css.hint}>
        What a program in a terminal can be sent is its own there: in a terminal the page hears Ctrl and Shift with a key, or ⌘.
      </p>
      <div className={css.scroll}>
        <table className={css.keys}>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Where</th>
              <th scope="col">Keys</th>
              <th scope="col">
                <span className="visually-hidden">Change</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {actionIds.map((action) => (
              <Row key={action} action={action} chords={chords} />
            ))}
          </tbody>
        </table>
      </div>
      <span>
        <Button isDisabled={Object.keys(chords).length === 0} onPress={() => choose({ chords: {} })}>
          Reset all keys
        </Button>
      </span>
    </>
  );
}

interface RowProps {
  readonly action: ActionId;
  readonly chords: ChosenChords;
}

/** A chord that was pressed and is not this action's: why. */
interface Refused {
  readonly chord: string;
  readonly why: string;
  /** Who has it, if it can be taken from there. */
  readonly holder: ActionId | null;
}

function Row({ action, chords }: RowProps): ReactNode {
  const [isRecording, setRecording] = useState(false);
  const [refused, setRefused] = useState<Refused | null>(null);
  const change = useRef<HTMLButtonElement>(null);
  const chord = chordFor(action, chords);
  const holder = chord === null ? null : holderOf(chord, chords, action);
  const { text, in: where } = actions[action];
  const done = (): void => {
    setRecording(false);
    // Its button stands again when this is drawn.
    requestAnimationFrame(() => change.current?.focus());
  };
  const pressed = (next: string): void => {
    const why = whyNot(next, where);
    const held = holderOf(next, chords, action);
    if (why !== null) setRefused({ chord: next, why, holder: null });
    else if (held) setRefused({ chord: next, why: `That is “${actions[held].text}” already.`, holder: held });
    else {
      setRefused(null);
      choose({ chords: withChord(chords, action, next) });
    }
    done();
  };
  return (
    <tr>
      <th scope="row">{text}</th>
      <td className={css.hint}>{PLACES[where]}</td>
      <td>
        {isRecording ? (
          <Recorder label={`Keys for ${text}`} onChord={pressed} onLeave={done} />
        ) : chord === null ? (
          <span className={css.hint}>none</span>
        ) : (
          <Kbd>{chordText(chord, isMac)}</Kbd>
        )}
        {refused ? (
          <p role="alert" className={css.wrong}>
            <Kbd>{chordText(refused.chord, isMac)}</Kbd> {refused.why}{" "}
            {refused.holder ? (
              <Button
                onPress={() => {
                  const taken = withChord(chords, refused.holder!, null);
                  choose({ chords: withChord(taken, action, refused.chord) });
                  setRefused(null);
                }}
              >
                Take it from there
              </Button>
            ) : null}
          </p>
        ) : holder ? (
          <p className={css.wrong}>“{actions[holder].text}” has these keys too.</p>
        ) : null}
      </td>
      <td>
        <span className={css.line}>
          <Button
            ref={change}
            aria-label={`Change the keys for ${text}`}
            onPress={() => {
              setRefused(null);
              setRecording(true);
            }}
          >
            Change
          </Button>
          <IconButton
            label={`No keys for ${text}`}
            isDisabled={chord === null}
            onPress={() => choose({ chords: withChord(chords, action, null) })}
          >
            <X size={15} />
          </IconButton>
          <IconButton
            label={`Reset the keys for ${text}`}
            isDisabled={!(action in chords)}
            onPress={() => choose({ chords: withChord(chords, action, undefined) })}
          >
            <RotateCcw size={15} />
          </IconButton>
        </span>
      </td>
    </tr>
  );
}

/** `undefined`, and what is so by default: as by default. */
function withChord(chords: ChosenChords, action: ActionId, chord: string | null | undefined): ChosenChords {
  const { [action]: _, ...others } = chords;
  const own = actions[action].chord;
  const isDefault = chord === undefined || chord === own || (chord !== null && own !== null && isSameChord(chord, own));
  return isDefault ? others : { ...others, [action]: chord };
}

interface RecorderProps {
  readonly label: string;
  readonly onChord: (chord: string) => void;
  readonly onLeave: () => void;
}

/** Takes the next chord. Escape and Tab leave it, as they leave anything else. */
function Recorder({ label, onChord, onLeave }: RecorderProps): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const heard = (event: KeyboardEvent): void => {
    if (event.key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") return onLeave();
    const chord = chordOf(event);
    if (chord !== null) onChord(chord);
  };
  return (
    <input
      ref={input}
      className={css.recorder}
      aria-label={label}
      data-records-keys
      readOnly
      value="Press the keys"
      onKeyDown={heard}
      onBlur={onLeave}
    />
  );
}
