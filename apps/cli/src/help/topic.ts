/** One page of `hold help`. */
export interface Topic {
  readonly brief: string;
  readonly text: string;
}
