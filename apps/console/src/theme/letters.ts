/** The letters of terminals: a font of the page's own, which comes once something asks for it. */

/** Resolves when they are there, or will not come. */
export async function lettersCome(): Promise<void> {
  await document.fonts.load('13px "JetBrains Mono Variable"').catch(() => []);
}
