/** Something that may be refused, from a button. */
import { useState } from "react";

/** One attempt at a time, and the host's reason where it did not do. */
export function useAttempt(onDone: () => void): {
  readonly wrong: string | undefined;
  readonly isBusy: boolean;
  readonly attempt: (act: () => Promise<void>) => void;
} {
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const attempt = (act: () => Promise<void>): void => {
    setBusy(true);
    setWrong(undefined);
    act()
      .then(onDone, (fault: unknown) => setWrong(fault instanceof Error ? fault.message : String(fault)))
      .finally(() => setBusy(false));
  };
  return { wrong, isBusy, attempt };
}
