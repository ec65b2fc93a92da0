/** `client.kernels.follow` (api/kernel-follow.ts): an attachment that reads, and the record's meaning. */
import { parsed } from "@holdfast/kernel";
import type { KernelAnswer } from "@holdfast/protocol";
import type {
  Attachment,
  AttachHandlers,
  AttachOptions,
  KernelFollowing,
  KernelFollowOptions,
  KernelHandlers,
  KernelPhaseWord,
  KernelTold,
} from "../api/index.ts";
import { KernelReader } from "../record/kernel-reader.ts";

interface Asked {
  show(session: string): Promise<KernelAnswer>;
  attach(options: AttachOptions, handlers: AttachHandlers): Promise<Attachment>;
}

export async function follow(
  { show, attach }: Asked,
  session: string,
  handlers: KernelHandlers,
  { after, quiet = true }: KernelFollowOptions,
): Promise<KernelFollowing> {
  const now = await show(session);
  const from = after ?? Number(now.fromSeq);
  const known = knownOf(now);
  const { pid: _, isSilent: __, ...begun } = known;
  const reader = new KernelReader(after === undefined ? begun : {});
  const liveAt = Number(now.seq);
  let isLive = false;
  const beLive = async (): Promise<void> => {
    if (isLive) return;
    isLive = true;
    reader.correct(known);
    await handlers.live?.(reader.view);
    handlers.changed?.(reader.view);
  };
  const heard = async (seq: number, read: () => readonly KernelTold[]): Promise<void> => {
    if (seq > liveAt) await beLive();
    const all = read();
    for (const told of all) await handlers.told?.(told, reader.view);
    if (seq === liveAt) await beLive();
    else if (all.length > 0) handlers.changed?.(reader.view);
  };
  const attachment = await attach(
    { session, observe: true, quiet, mode: "replay", after: from },
    {
      output: (o) => heard(o.seq, () => reader.output(o)),
      event: (e) => heard(Number(e.seq), () => reader.event(e)),
      gap: (g) => heard(g.toSeq, () => reader.gap(g)),
      link: (state) => handlers.link?.(state),
      detached: (reason, error) => handlers.detached?.(reason, error),
    },
  );
  if (from >= liveAt) await beLive();
  return {
    get view() {
      return reader.view;
    },
    stop: () => attachment.detach(),
  };
}

function knownOf({ kernel, info }: KernelAnswer) {
  return {
    phase: kernel!.phase as KernelPhaseWord,
    incarnation: kernel!.incarnation,
    pid: kernel!.pid === 0 ? null : kernel!.pid,
    info: info.length > 0 ? parsed(info) : null,
    execution: kernel!.execution,
    isSilent: kernel!.silent,
  };
}
