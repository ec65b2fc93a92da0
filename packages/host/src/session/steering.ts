/**
 * Who steers: the floor of one session, its changes recorded and told, and what each change cuts.
 * Elsewhere: the rules (core/floor), what cutting does (inputs.ts), whose size it is (sizing.ts).
 */
import {
  floor as floorRoom,
  type Floor,
  type FloorCommand,
  type FloorEvent,
  type FloorRefusal,
  type Operator,
  TERMINAL_ACTOR,
} from "@holdfast/core";
import { create, encodeHost, EventBody_AiPausedSchema, EventBody_FloorChangedSchema, HoldError } from "@holdfast/protocol";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { State } from "./attachment.ts";
import type { Actor, Book } from "./book.ts";
import type { CommandWatch } from "./command-watch.ts";
import type { Admit } from "./inputs.ts";
import { floorOnWire } from "./on-wire.ts";
import type { SessionPorts } from "./ports.ts";

/** What a change of the floor does to the rest of the session. */
export interface SteeringWorld {
  readonly book: Book;
  readonly ports: SessionPorts;
  readonly commands: CommandWatch;
  /** What the rules want to know of others' lines and input, for a command of this operator. */
  readonly knownTo: (by: Operator) => { readonly lineDirty: string | null; readonly stillAtIt: Operator | null };
  /** The host knows the operators. */
  readonly operatorFor: (id: string) => Operator | null;
  /** Somebody was refused for a line that may be empty. */
  readonly knowLine: () => void;
  /** What these operators have under way is cut. */
  readonly cut: (isCut: (operator: string) => boolean) => void;
  /** The floor came to this attachment. */
  readonly seated: (attachment: string) => void;
  /** An encoded HostFrame for everybody who is there. */
  readonly tellAll: (state: State, message: Uint8Array) => void;
  readonly reschedule: () => void;
}

export class Steering {
  readonly #world: SteeringWorld;
  #floor: Floor;

  constructor(world: SteeringWorld) {
    const { facts } = world.book;
    this.#world = world;
    this.#floor = { ...floorRoom.openFloor(facts.floorMode), epoch: facts.epoch as never, aiPaused: facts.aiPaused };
  }

  get floor(): Floor {
    return this.#floor;
  }

  /** The session was opened: its mode is known. */
  opened(): void {
    this.#floor = floorRoom.openFloor(this.#world.book.facts.floorMode);
  }

  /** After a restart: who steered a moment ago does so still, so that nobody takes it in the gap. */
  restore(holder: Operator): void {
    const { book, ports } = this.#world;
    const heldForMs = Math.max(0, ports.clock.wallMs() - book.facts.heldAt);
    this.#floor = floorRoom.restored(this.#floor, holder, heldForMs, ports.clock.monoMs());
    this.#world.reschedule();
  }

  /** One floor command of an operator; throws the refusal as an error for the caller's answer. */
  step(command: FloorCommand, actor: Actor): void {
    const ruling = floorRoom.decide(this.#floor, command, this.#world.ports.clock.monoMs());
    if (!ruling.ok) {
      if (ruling.refusal.code === "line_not_empty") this.#world.knowLine();
      throw this.#error(ruling.refusal);
    }
    for (const event of ruling.events) this.#apply(event, actor);
    this.#world.reschedule();
  }

  /** Somebody types: the refusal, or what makes it so. */
  readonly admit: Admit = ({ by: typist, via, seat, epoch, interrupt }) => {
    const by = operatorOf(typist);
    const known = this.#world.knownTo(by);
    const command: FloorCommand = {
      verb: "type",
      by,
      seat,
      interrupt,
      ...known,
      ...(epoch === undefined ? {} : { epoch: epoch as never }),
    };
    const ruling = floorRoom.decide(this.#floor, command, this.#world.ports.clock.monoMs());
    if (!ruling.ok) return this.#error(ruling.refusal);
    const { events } = ruling;
    return {
      cuts: (operator) => events.some((event) => this.#isCutBy(event, operator)),
      make: () => {
        for (const event of events) this.#apply(event, { id: by.id, via });
        return { epoch: this.#floor.epoch, isChanged: events.length > 0 };
      },
    };
  };

  /** Somebody is about to act beside the terminal (core/floor F8); throws the refusal. `disturbs`: what runs, or who looks at it. */
  refuseBeside(by: Operator, disturbs: boolean): void {
    const ruling = floorRoom.decide(this.#floor, { verb: "act", by, disturbs }, this.#world.ports.clock.monoMs());
    if (!ruling.ok) throw this.#error(ruling.refusal);
  }

  /** Time passed. */
  tick(by: Actor): void {
    for (const event of floorRoom.tick(this.#floor, this.#world.ports.clock.monoMs())) this.#apply(event, by);
  }

  nextWake(): ReturnType<typeof floorRoom.nextWake> {
    return floorRoom.nextWake(this.#floor);
  }

  #apply(event: FloorEvent, actor: Actor): void {
    const { cut, ports, seated, tellAll } = this.#world;
    const next = floorRoom.apply(this.#floor, event, ports.clock.monoMs());
    this.#record(event, next, actor);
    this.#floor = next;
    if (event.kind === "granted" && event.reason === "passed") this.#world.commands.handedOver(actor.id);
    if (event.kind !== "renewed") cut((operator) => this.#isCutBy(event, operator));
    if (event.kind === "granted") seated(event.seat);
    if (event.kind === "renewed") return;
    tellAll(
      "floor",
      encodeHost({
        case: "floor",
        value: {
          floor: floorOnWire(this.#floor, ports.clock),
          why: event.kind === "granted" || event.kind === "freed" ? event.reason : event.kind,
          by: actor.id,
        },
      }),
    );
  }

  #record(event: FloorEvent, next: Floor, actor: Actor): void {
    const { book } = this.#world;
    const epoch = BigInt(next.epoch);
    switch (event.kind) {
      case "granted":
        book.record(actor, {
          case: "floorChanged",
          value: create(EventBody_FloorChangedSchema, {
            holder: event.to.id,
            seat: event.seat,
            epoch,
            reason: event.reason,
            from: event.from ?? "",
          }),
        });
        break;
      case "freed":
        if (event.reason !== "idle")
          book.record(actor, {
            case: "floorChanged",
            value: create(EventBody_FloorChangedSchema, { epoch, reason: event.reason, from: event.from }),
          });
        break;
      case "ai_paused":
      case "ai_resumed":
        book.record(actor, {
          case: "aiPaused",
          value: create(EventBody_AiPausedSchema, { paused: event.kind === "ai_paused" }),
        });
        break;
      default:
        break;
    }
  }

  /** The terminal model's answers are nobody's input. */
  #isCutBy(event: FloorEvent, operator: string): boolean {
    if (operator === TERMINAL_ACTOR) return false;
    return floorRoom.cuts(event, this.#world.operatorFor(operator) ?? { id: operator, kind: "service" });
  }

  #error(refusal: FloorRefusal): HoldError {
    const { book, ports } = this.#world;
    const session = book.facts.name || book.id;
    switch (refusal.code) {
      case "floor_held": {
        if (refusal.expiresAt === null)
          return new HoldError(
            "floor_held",
            `input of ${refusal.holder.name} into session ${session} is not all written yet: the program reads slowly, or more is to come; try again once it is`,
            { session: book.id, holder: refusal.holder.id },
          );
        const until = new Date(ports.clock.wallMs() + (refusal.expiresAt - ports.clock.monoMs())).toISOString();
        return new HoldError(
          "floor_held",
          `session ${session} is steered by ${refusal.holder.name} until ${until}; ask for it (Ctrl-q a, or hold take ${session} once it is free)`,
          { session: book.id, holder: refusal.holder.id, until },
        );
      }
      case "floor_not_yours":
        return new HoldError(
          "floor_not_yours",
          refusal.holder
            ? `session ${session} is steered by ${refusal.holder.name}, not by you; hold take ${session} asks for it`
            : `nobody steers session ${session}, so there is nothing to give back or pass; typing takes the floor`,
          { session: book.id },
        );
      case "ai_paused":
        return new HoldError(
          "ai_paused",
          `AI operators are paused in session ${session}; a person ends that with: hold ai resume ${session}`,
          { session: book.id },
        );
      case "line_not_empty":
        return new HoldError(
          "line_not_empty",
          `${refusal.of} has half a line typed in session ${session}; wait for it to be sent or cleared`,
          { session: book.id, typist: refusal.of },
        );
      case "fenced":
        return new HoldError("fenced", `the floor of session ${session} has moved on (epoch ${refusal.epoch})`, {
          session: book.id,
          epoch: String(refusal.epoch),
        });
    }
  }
}

export function operatorOf(o: RegisteredOperator): Operator {
  return { id: o.id, name: o.name, kind: o.kind };
}
