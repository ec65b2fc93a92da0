/** Bounds that both ends keep. Each is part of the protocol: raising one is a protocol change. */
export const limits = {
  /** Oldest and newest protocol that this build speaks. */
  protocolMin: 1,
  protocolMax: 1,
  /** Bytes of one frame on a link, channel number included. */
  frameBytes: 1024 * 1024 + 4096,
  /** Bytes of frames accepted before the handshake is over, and its deadline. */
  preAuthBytes: 64 * 1024,
  handshakeMs: 5_000,
  /** An access grant: its bytes, and how long one may be for. */
  grantBytes: 4 * 1024,
  grantMs: 15 * 60_000,
  /** Bytes of one request's body (docs/http.md). */
  bodyBytes: 1024 * 1024,
  /** Bytes of one input frame. */
  inputFrameBytes: 64 * 1024,
  /** Journalled and not yet settled input of one session; the shim's queue has the same bound. */
  inputQueueBytes: 256 * 1024,
  /** Output bytes in one event. */
  outputEventBytes: 64 * 1024,
  /** A canonical line that the kernel takes whole, its end not counted. */
  canonicalLineBytes: 4_095,
  /** Reading window of an attachment, bytes: smallest, default and largest. */
  windowMin: 8 * 1024,
  windowDefault: 256 * 1024,
  windowMax: 4 * 1024 * 1024,
  /** An interactive reader further behind than this gets a snapshot and jumps. */
  behindBytes: 8 * 1024 * 1024,
  cols: { min: 1, max: 1000 },
  rows: { min: 1, max: 500 },
  nameBytes: 64,
} as const;
