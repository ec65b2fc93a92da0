/** What a result may carry, and how long a call may take. docs/mcp.md tells the same numbers. */
export const limits = {
  /** Of a whole result as it is sent: text and structured content together. */
  resultBytes: 32 * 1024,
  /** Of the terminal's text in it, where nothing else is asked for. */
  defaultTextBytes: 8 * 1024,
  /** The text stands in a result twice, for hosts that read one or the other. */
  maxTextBytes: 12 * 1024,
  /** Of pictures that code shows, in base64; they come beside the rest of a result. */
  pictureBytes: 1024 * 1024,
  pictures: 4,
  /** Clients drop a request at 60 s. */
  waitSeconds: 50,
  /** Where the client has asked for progress, which keeps its own clock from running out. */
  patientWaitSeconds: 2 * 60 * 60,
  progressMs: 10_000,
} as const;
