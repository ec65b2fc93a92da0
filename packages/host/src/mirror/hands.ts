/** Runs the same so many times at once, and is over when all of them are: nothing of it goes on behind a fault. */
export async function inHands(count: number, run: () => Promise<void>): Promise<void> {
  const hands = await Promise.allSettled(Array.from({ length: count }, run));
  for (const hand of hands) if (hand.status === "rejected") throw hand.reason;
}
