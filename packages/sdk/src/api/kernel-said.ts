/** What a kernel says. */

/** One message of the Jupyter protocol. `header` … `content` are parsed; a kernel's own bytes are in `raw`. */
export interface KernelSaid {
  /** `shell`, `control`, `stdin` or `iopub`. */
  readonly channel: string;
  /** Which life of the kernel: one more at each restart. */
  readonly incarnation: number;
  /** `stream`, `execute_result`, `display_data`, `error`, `status`, … */
  readonly type: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly parent: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly content: Readonly<Record<string, unknown>>;
  readonly buffers: readonly Uint8Array[];
  /** JSON in UTF-8. A notebook is written from these, so that numbers stay as the kernel wrote them. */
  readonly raw: {
    readonly header: Uint8Array;
    readonly parent: Uint8Array;
    readonly metadata: Uint8Array;
    readonly content: Uint8Array;
  };
}
