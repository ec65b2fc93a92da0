/** Whether an address leads through a relay: told without loading what goes there. */
export function isRelayed(url: string): boolean {
  return /^relay(\+(http|wss?))?:\/\//i.test(url);
}
