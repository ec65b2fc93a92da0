/**
 * One model in the worker: its queue of orders, and what it tells.
 *
 *   H1  Orders of one model are carried out in order; a turn parses at most {@link TURN_BYTES}, so that no flood holds up the others.
 *   H2  Notices: at most one a kind every {@link NOTICE_MS}; the last one of a burst is told at its end.
 *   H3  Of much plain output at once, what scrolls away unseen is not drawn; it asks nothing and rings no bell.
 */
import { QueryScanner } from "./core-terminal.ts";
import { rowReader } from "./packed-lines.ts";
import { ScreenModel } from "./screen-model.ts";
import { serialize } from "./serialize.ts";
import type { News, Order, WorkerSettings } from "./wire.ts";

const TURN_BYTES = 65_536;
/** Less at once is drawn sooner than it is looked through. */
const SKIM_BYTES = 4 * TURN_BYTES;
const NOTICE_MS = 100;
type Kind = "bell" | "title" | "clipboard";

export class HostedModel {
  private readonly handle: number;
  private readonly model: ScreenModel;
  private readonly tell: (news: News) => void;
  private readonly orders: Order[] = [];
  private readonly queries = new QueryScanner();
  private readonly notices = new Map<Kind, { text: string | undefined; timer: NodeJS.Timeout }>();
  private offset: number;
  private taken = 0;
  /** Before this place in the order's bytes it is not tried to skim. */
  private skimFrom = 0;
  private isFresh = true;

  constructor(open: Extract<Order, { do: "open" }>, settings: WorkerSettings, tell: (news: News) => void) {
    this.handle = open.handle;
    this.tell = tell;
    this.offset = open.offset;
    this.model = new ScreenModel(
      open.cols,
      open.rows,
      { ...settings, scrollback: open.scrollback },
      {
        reply: (text) => tell({ is: "reply", handle: this.handle, offset: this.offset, bytes: new TextEncoder().encode(text) }),
        notice: (kind, text) => this.notice(kind, text),
      },
    );
    if (open.vt !== undefined) {
      this.queries.ends(open.vt);
      this.model.write(open.vt);
    }
  }

  get isIdle(): boolean {
    return this.orders.length === 0;
  }

  add(order: Order): void {
    this.orders.push(order);
  }

  /** Does one turn's worth. */
  turn(): void {
    let budget = TURN_BYTES;
    let parsed = false;
    while (budget > 0) {
      const order = this.orders[0];
      if (order === undefined) break;
      if (order.do === "feed") {
        if (this.skimmed(order.bytes)) {
          parsed = true;
          continue;
        }
        const piece = order.bytes.subarray(this.taken, this.taken + budget);
        this.parse(piece, order.live);
        this.taken += piece.length;
        budget -= piece.length;
        parsed = true;
        if (this.taken < order.bytes.length) break;
        this.taken = 0;
        this.skimFrom = 0;
      } else this.carryOut(order);
      this.orders.shift();
    }
    if (!parsed) return;
    this.isFresh = true;
    this.tell({ is: "parsed", handle: this.handle, offset: this.offset });
  }

  /** Packs its lines if nothing was parsed since the last call. Returns how many, or nothing if it should be called again. */
  settle(): number | undefined {
    if (this.isFresh || !this.isIdle) {
      this.isFresh = false;
      return undefined;
    }
    return this.model.pack();
  }

  close(): void {
    for (const { timer } of this.notices.values()) clearTimeout(timer);
    this.orders.length = 0;
    this.model.dispose();
  }

  /** H3. */
  private skimmed(bytes: Uint8Array): boolean {
    if (this.taken < this.skimFrom || bytes.length - this.taken < SKIM_BYTES || !this.queries.isGround) return false;
    const count = this.model.skim(bytes.subarray(this.taken));
    this.skimFrom = this.taken + count + SKIM_BYTES;
    this.taken += count;
    this.offset += count;
    return count > 0;
  }

  private parse(piece: Uint8Array, live: boolean): void {
    // A reply carries the end of its query: so parse up to each query's end, when somebody is to be answered.
    let from = 0;
    if (live) {
      for (const end of this.queries.ends(piece)) {
        this.parsePart(piece.subarray(from, end), true);
        from = end;
      }
    } else this.queries.ends(piece);
    this.parsePart(from === 0 ? piece : piece.subarray(from), live);
  }

  private parsePart(part: Uint8Array, live: boolean): void {
    this.offset += part.length;
    this.model.write(part, live);
  }

  private carryOut(order: Order): void {
    if (order.do === "resize") {
      this.model.resize(order.cols, order.rows);
      return;
    }
    if (order.do !== "snapshot" && order.do !== "text") return;
    try {
      const value = order.do === "snapshot" ? this.snapshot(order.scrollback) : this.text(order.scrollback);
      this.tell({ is: "answer", request: order.request, value });
    } catch (e) {
      this.tell({ is: "failed", request: order.request, detail: String(e) });
    }
  }

  private get position(): { offset: number; cols: number; rows: number } {
    return { offset: this.offset, cols: this.model.cols, rows: this.model.rows };
  }

  private snapshot(scrollback: number | undefined): unknown {
    return { ...this.position, ...serialize(this.model, scrollback), title: this.model.title };
  }

  private text(scrollback = 0): unknown {
    const { core, rows } = this.model;
    const { active, alt } = core._bufferService.buffers;
    const first = Math.max(0, active.ybase - scrollback);
    const row = rowReader(active);
    const lines: string[] = [];
    for (let y = first; y < active.ybase + rows; y++) lines.push(row(y)?.translateToString(true) ?? "");
    return {
      ...this.position,
      lines,
      alternate: active === alt,
      title: this.model.title,
      cursor: { row: active.y, col: Math.min(active.x, this.model.cols - 1), visible: !core.coreService.isCursorHidden },
    };
  }

  private notice(kind: Kind, text: string): void {
    const waiting = this.notices.get(kind);
    if (waiting !== undefined) {
      waiting.text = text;
      return;
    }
    this.tell({ is: "notice", handle: this.handle, kind, text });
    const timer = setTimeout(() => {
      const last = this.notices.get(kind)?.text;
      this.notices.delete(kind);
      if (last !== undefined) this.notice(kind, last);
    }, NOTICE_MS);
    timer.unref();
    this.notices.set(kind, { text: undefined, timer });
  }
}
