/**
 * Does the same for each of some things, so many at once. After a fault none is begun any more, and it is over when those that were are: nothing of it
 * goes on behind the fault.
 */
export async function inHands<T>(count: number, things: Iterable<T>, one: (thing: T) => Promise<void>): Promise<void> {
  const left = things[Symbol.iterator]();
  let isOver = false;
  const run = async (): Promise<void> => {
    for (let next = left.next(); !isOver && next.done !== true; next = left.next()) await one(next.value);
  };
  const hands = Array.from({ length: count }, () =>
    run().catch((fault: unknown) => {
      isOver = true;
      throw fault;
    }),
  );
  for (const hand of await Promise.allSettled(hands)) if (hand.status === "rejected") throw hand.reason;
}
