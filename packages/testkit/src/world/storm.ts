/** What happens to a world at random: people and an AI at work, and everything that may break, broken. Then all is healed and checked. */
import { decodeClient } from "@holdfast/protocol";
import { Random } from "../clock/index.ts";
import type { Life } from "./life.ts";
import { names, type Name } from "./operators.ts";
import type { SimClient } from "./sim-client.ts";
import { simulate, type World } from "./world.ts";
import { bounds, checkDisk, checkWorld } from "./checks.ts";
import { CRASH_STYLES, crashImage } from "../disk/index.ts";
import { checkPowerLoss, remember } from "./power.ts";

export interface StormResult {
  readonly world: World;
  readonly hash: string;
}

/** How wild one seed is: drawn first, so that some worlds break often and some never. */
interface Climate {
  readonly actions: number;
  readonly crashes: boolean;
  readonly cuts: boolean;
  readonly shimCuts: boolean;
  readonly syncInput: boolean;
  readonly open: boolean;
  readonly diskFaults: boolean;
  /** Clients send an input frame twice, or behind the one after it. */
  readonly mischief: boolean;
}

export async function storm(seed: number, options: { readonly actions?: number } = {}): Promise<StormResult> {
  const world = await simulate({ seed, empty: true, ringBytes: 64 * 1024 * (1 + (seed % 4)) });
  const { random } = world;
  const wrong = new Random(seed + 1_000_003);
  const climate: Climate = {
    actions: options.actions ?? random.int(20, 90),
    crashes: random.chance(0.7),
    cuts: random.chance(0.8),
    shimCuts: random.chance(0.15),
    syncInput: random.chance(0.2),
    open: random.chance(0.15),
    diskFaults: random.chance(0.15),
    mischief: wrong.chance(0.2),
  };
  world.hasMischief = climate.mischief;
  if (climate.mischief)
    world.network.mischief = (channel, message) =>
      channel > 0 && decodeClient(message).case === "input" && wrong.chance(0.2) ? wrong.pick(["twice", "late"]) : "none";
  world.note(`climate ${JSON.stringify(climate)}`);
  await world.openSession({ syncInput: climate.syncInput, floor: climate.open ? "open" : "turn" });
  if (world.session === "") {
    world.violation("the session could not be opened");
    return { world, hash: world.traceHash };
  }
  if (climate.crashes) {
    const plan = (life: Life): void => {
      if (random.chance(0.6)) life.diesAt = random.chance(0.3) ? random.int(1, 40) : random.int(40, 900);
    };
    world.onLife = plan;
    const { life } = world;
    life.diesAt = life.effects + random.int(1, 300);
  }
  const storming = new Storm(world, climate);
  for (let n = 0; n < climate.actions; n++) {
    await storming.act();
    await world.advance(
      random.chance(0.7) ? random.int(0, 5) / 10 : random.chance(0.7) ? random.int(1, 60) : random.int(60, 3_000),
    );
    bounds(world);
    if (world.violations.length > 0) return { world, hash: world.traceHash };
  }
  await heal(world);
  return { world, hash: world.traceHash };
}

class Storm {
  readonly #world: World;
  readonly #climate: Climate;

  constructor(world: World, climate: Climate) {
    this.#world = world;
    this.#climate = climate;
  }

  async act(): Promise<void> {
    const world = this.#world;
    const { random } = world;
    const client = this.#someone();
    const { cuts, crashes, shimCuts, diskFaults } = this.#climate;
    const acts: readonly (readonly [weight: number, run: () => void | Promise<void>])[] = [
      [14, () => this.#arrive()],
      [
        26,
        () =>
          void client?.type(client.text(random.int(1, 64), random.pick(["\r", "\r", "\r", ""])), {
            durable: random.chance(0.15),
          }),
      ],
      [
        6,
        () => {
          for (let n = random.int(2, 12); n > 0; n--) client?.type(client.text(1, random.pick(["\r", ""])));
        },
      ],
      [5, () => void client?.type(client.text(random.pick([5_000, 40_000, 100_000, 300_000]), "\r"))],
      [4, () => void client?.type(Uint8Array.of(3), { interrupt: true })],
      [6, () => void client?.steer("take")],
      [3, () => void client?.steer("release")],
      [2, () => void client?.steer("ask")],
      [3, () => void client?.steer("aiPause")],
      [4, () => void client?.steer("aiResume")],
      [3, () => client?.attachment?.resize({ cols: random.int(20, 120), rows: random.int(5, 50) })],
      [4, () => void client?.detach()],
      [cuts ? 9 : 0, () => this.#cut()],
      [cuts ? 2 : 0, () => client?.dies()],
      [crashes ? 2 : 0, () => world.life.dies("kill -9")],
      // Not while the shim is being let go: two live processes on a unix socket do not lose each other, and the next host looks again.
      [
        shimCuts ? 5 : 0,
        () => {
          if (!world.shim.isClosed) world.cutShimLink();
        },
      ],
      [2, () => world.life.models?.dies()],
      [6, () => this.#prints()],
      [5, () => world.shim.setMood(random.pick(["echo", "echo", "sink", "slow", "deaf"]))],
      [1, () => world.shim.exits(random.int(0, 3), random.chance(0.4))],
      [1, () => world.shim.childEnds()],
      [
        3,
        () => {
          if (client) client.readUs = random.pick([0, 0, 500, 20_000]);
        },
      ],
      [1, () => world.scheduler.jumpWall(random.pick([-86_400_000, 86_400_000, 3_600_000]))],
      [1, () => world.scheduler.sleep(random.pick([1_000, 10_000, 600_000]))],
      [diskFaults ? 3 : 0, () => this.#diskFault()],
      [3, () => world.advance(random.int(1_000, 6_000))],
      [1, () => world.advance(random.int(10_000, 40_000))],
    ];
    let at = random.int(
      1,
      acts.reduce((n, [weight]) => n + weight, 0),
    );
    for (const [weight, run] of acts) {
      at -= weight;
      if (at <= 0) return run();
    }
  }

  #someone(): SimClient | null {
    const there = this.#world.clients.filter((c) => c.isAlive && c.isAttached);
    return there.length === 0 ? null : this.#world.random.pick(there);
  }

  /** Somebody who is not there comes, or one who is comes twice. */
  #arrive(): void {
    const world = this.#world;
    const { random } = world;
    const alive = world.clients.filter((c) => c.isAlive);
    const missing = names.filter((n) => !alive.some((c) => c.name === n));
    if (missing.length === 0 && alive.length > 4) return;
    const name: Name = missing.length > 0 ? random.pick(missing) : random.pick(names);
    const client = alive.find((c) => c.name === name && !c.isAttached && c.client !== null) ?? world.clientOf(name);
    const options = {
      session: world.session,
      ...(random.chance(0.15) ? { observe: true } : {}),
      ...(random.chance(0.2) ? { mode: "replay" as const, after: 0 } : {}),
      ...(random.chance(0.3) ? { size: { cols: random.int(40, 100), rows: random.int(10, 40) } } : {}),
    };
    void client.connect().then((c) => (c ? client.attach(options) : null));
  }

  #cut(): void {
    const wires = [...this.#world.network.wires];
    if (wires.length === 0) return;
    const { random, scheduler } = this.#world;
    const wire = random.pick(wires);
    if (random.chance(0.25)) {
      wire.stall();
      scheduler.after(random.int(100, 20_000) * 1000, () => wire.cut());
    } else {
      wire.cut();
    }
  }

  /** One call that fails, or no room for a while. */
  #diskFault(): void {
    const { random, scheduler, disk } = this.#world;
    this.#world.diskFaults++;
    if (random.chance(0.5)) {
      disk.fault = { at: disk.trace.length + random.int(1, 20), fault: random.pick(["EIO", "ENOSPC", "short"]), sticky: false };
    } else {
      disk.capacityBytes = disk.usedBytes + random.int(0, 5_000);
      scheduler.after(random.int(100, 5_000) * 1000, () => {
        disk.capacityBytes = Number.MAX_SAFE_INTEGER;
      });
    }
  }

  #prints(): void {
    const { random, shim } = this.#world;
    shim.prints(shim.program.text(random.pick([1, 20, 200, 2_000, 20_000, 150_000])));
  }
}

/** Everything works again; the world comes to rest, is checked, and is taken down. */
export async function heal(world: World): Promise<void> {
  world.note("heal");
  world.onLife = () => {};
  world.keeps = true;
  world.disk.fault = null;
  world.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  world.life.diesAt = null;
  world.network.mischief = () => "none";
  for (const wire of world.network.wires) if (wire.client.stalled) wire.cut();
  for (const client of world.clients) client.readUs = 0;
  world.shim.setMood("echo");
  await world.until("the host serves again", () => world.isServing);
  await world.advance(5_000);
  for (let n = 0; n < 600 && !isAtRest(world); n++) await world.advance(500);
  if (!isAtRest(world)) world.violation(`V9: the world does not come to rest: ${unrest(world)}`);
  checkWorld(world);
  if (world.violations.length > 0) return;
  // A power cut now, on a disk of its own: what was synced is there, and what is there is a prefix.
  const memory = remember(world);
  const image = crashImage(world.disk, world.random.pick(CRASH_STYLES), world.random.int(1, 1_000_000));
  for (const client of world.clients) if (client.isAlive) await world.finish(client.detach());
  for (const client of world.clients) client.client?.close();
  await world.until("nothing is left of the links", () => world.network.wires.size === 0, 20_000);
  if (world.life.links.size > 0) world.violation(`V8: the host still holds ${world.life.links.size} links`);
  const session = world.live;
  if (session.attachments.size > 0) world.violation(`V8: ${session.attachments.size} attachments are left`);
  world.shim.exits(7);
  world.shim.childEnds();
  await world.until("the shim is let go", () => world.shim.isReleased, 30_000);
  if (world.live.facts.exit?.code !== world.shim.exitCode)
    world.violation(`V4: the program exited with ${world.shim.exitCode}, the journal says ${world.live.facts.exit?.code}`);
  await world.advance(2_000);
  world.life.host.leave();
  await world.finish(world.life.journal.close());
  checkDisk(world);
  world.keeps = false;
  world.life.dies("the end");
  // Not known yet to later lives: that a sync failed in one which died of it. The device then calls lost bytes durable (L12).
  const mayHaveLied = world.lives.length > 1 && world.diskFaults > 0;
  if (!mayHaveLied) await checkPowerLoss(world, memory, image);
}

function isAtRest(world: World): boolean {
  return unrest(world) === "";
}

/** What is not done yet. */
function unrest(world: World): string {
  const { life, shim } = world;
  if (!life.isServing) return "the host does not serve";
  const session = life.host.sessions.get(world.session);
  if (!session) return "the host does not know the session";
  if (shim.queuedBytes > 0) return `${shim.queuedBytes} bytes of input wait in the shim`;
  if (shim.isBlocked) return "the program is blocked";
  for (const client of world.clients) {
    if (!client.isAlive) continue;
    const open = client.promised.find((p) => !p.settled);
    if (open) return `${client.label} waits for an answer to ${open.what} of step ${open.atStep}`;
    if (client.isAttached && client.view) {
      const last = client.view.seen.at(-1);
      const seq = last === undefined ? 0 : last.is === "gap" ? last.to : last.seq;
      if (seq !== session.facts.seq) return `${client.label} is at ${seq} of ${session.facts.seq}`;
    }
  }
  return "";
}
