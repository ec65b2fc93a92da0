/** The console's settings in a real browser: keys, themes, letters, and that a reload has them all again. */
import { afterAll, expect, test } from "vitest";
import { axeOn, ConsoleBrowser, closeChrome } from "./world/console.ts";
import { fact } from "./world/processes.ts";
import { world } from "./world/world.ts";

afterAll(closeChrome);

const file = (name: string, text: string) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });
const part = (name: string, [red, green, blue]: readonly [number, number, number]): string =>
  `<key>${name}</key><dict><key>Color Space</key><string>sRGB</string>
   <key>Red Component</key><real>${red}</real><key>Green Component</key><real>${green}</real><key>Blue Component</key><real>${blue}</real></dict>`;
const ITERM = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>${part("Background Color", [0, 0, 0.4])}${part("Foreground Color", [1, 1, 1])}${part("Ansi 1 Color", [1, 0.4, 0.4])}</dict></plist>`;

async function inSettings(ana: ConsoleBrowser): Promise<void> {
  await ana.page.getByRole("link", { name: "Settings" }).click();
  await ana.page.getByRole("heading", { name: "Settings" }).waitFor();
}

test("a key is changed where it is free, refused with who has it where it is not, works from then on, and is put back", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "keyed" });
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.page.keyboard.press("Control+,");
  await ana.page.getByRole("heading", { name: "Settings" }).waitFor();
  const row = (name: string) => ana.page.getByRole("row", { name: new RegExp(`^${name} `) });
  const record = async (name: string, chord: string): Promise<void> => {
    await row(name).getByRole("button", { name: "Change" }).press("Enter");
    await ana.page.getByLabel(`Keys for ${name}`, { exact: true }).press(chord);
  };
  await record("Go to Hosts", "Control+Alt+h");
  await row("Go to Hosts").getByText("Ctrl Alt H").waitFor();
  await record("Search what was printed", "Control+f");
  await row("Search what was printed")
    .getByRole("alert")
    .getByText(/its program's/)
    .waitFor();
  await record("Search what was printed", "Control+Shift+l");
  await row("Search what was printed").getByRole("alert").getByText("That is “Timeline” already.").waitFor();
  await row("Search what was printed").getByRole("button", { name: "Take it from there" }).press("Enter");
  await row("Timeline").getByText("none").waitFor();
  // Left by Escape, nothing is changed, and the keys stay where they were.
  await row("New session").getByRole("button", { name: "Change" }).press("Enter");
  await ana.page.keyboard.press("Escape");
  await row("New session").getByText("N", { exact: true }).waitFor();

  await ana.page.reload();
  await row("Go to Hosts").getByText("Ctrl Alt H").waitFor();
  await ana.page.keyboard.press("Control+Alt+h");
  await ana.page.getByRole("heading", { name: "Hosts", level: 1 }).waitFor();
  await ana.page.keyboard.press("Control+k");
  await ana.page
    .getByRole("menuitem", { name: /^Hosts/ })
    .getByText("Ctrl Alt H")
    .waitFor();
  await ana.page.keyboard.press("Escape");
  await ana.page.getByRole("link", { name: "Sessions", exact: true }).click();
  await ana.goTo("keyed");
  await ana.page.locator(".xterm-helper-textarea").focus();
  await ana.page.keyboard.press("Control+Shift+L");
  await ana.page.getByPlaceholder("Search", { exact: true }).waitFor();

  await inSettings(ana);
  await ana.page.getByRole("button", { name: "Reset all keys" }).click();
  await row("Timeline").getByText("Ctrl Shift L").waitFor();
  await row("Go to Hosts").getByText("none").waitFor();
  expect(ana.complaints).toEqual([]);
});

test("themes of iTerm2, Windows Terminal and xterm are imported and drawn, a file that is none says why, and a reload has them", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "drawn" });
  const ana = await ConsoleBrowser.of();
  const url = await ana.open(w);
  await inSettings(ana);
  const input = ana.page.getByLabel("A theme file of this device");
  await input.setInputFiles(file("Ocean.itermcolors", ITERM));
  await ana.page.getByText("Ocean: imported. Ocean is the theme in dark colours now.").waitFor();
  await input.setInputFiles(file("paper.json", JSON.stringify({ background: "#fffff0", foreground: "#202020" })));
  await ana.page.getByText("paper: imported. paper is the theme in light colours now.").waitFor();
  for (const [name, text, why] of [
    ["bad.itermcolors", "<?xml version='1.0'?><plist><dict>", "is no property list that can be read"],
    [
      "bomb.itermcolors",
      '<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "a">]><plist><dict></dict></plist>',
      "is no property list that can be read",
    ],
    [
      "page.itermcolors",
      "<?xml version='1.0'?><plist><dict><script>document.title=1</script></dict></plist>",
      "is no property list",
    ],
    ["half.json", '{"background":"#000"', "neither an iTerm2 file nor JSON"],
    ["less.json", '{"background":"#000"}', "it says no `foreground`"],
  ] as const) {
    await input.setInputFiles(file(name, text));
    await ana.page.getByRole("alert").getByText(`${name} was not imported`).getByText(why).waitFor();
  }
  await ana.page.getByLabel("Size of letters").fill("20");
  await ana.page.getByLabel("Fonts").fill("DejaVu Sans Mono");
  await ana.page.getByLabel("Screen reader support").uncheck();
  await ana.page.getByText("Dark", { exact: true }).click();

  await ana.page.reload();
  await ana.page.getByLabel("Size of letters").and(ana.page.locator("[value='20']")).waitFor();
  expect(await ana.page.getByLabel("Fonts").inputValue()).toBe("DejaVu Sans Mono");
  expect(await ana.page.getByLabel("Theme in dark colours").inputValue()).toBe("Ocean");
  await ana.page.getByLabel("Screen reader support").check();
  await ana.page.goto(url);
  await ana.goTo("drawn");
  const grounds = "[...document.querySelectorAll('.xterm, .xterm *')].map((one) => getComputedStyle(one).backgroundColor)";
  await fact("the terminal has the theme's ground", async () =>
    ((await ana.page.evaluate(grounds)) as string[]).includes("rgb(0, 0, 102)"),
  );

  await inSettings(ana);
  await ana.page.getByRole("button", { name: "Remove Ocean" }).click();
  await ana.page.getByText("Ocean is removed.").waitFor();
  expect(await ana.page.getByLabel("Theme in dark colours").inputValue()).toBe("Holdfast dark");
  expect(ana.complaints).toEqual([]);
});

test("axe finds nothing in the settings, light on a desktop and dark on a phone, and nothing is wider than the page", async () => {
  const w = await world();
  for (const screen of [
    { width: 1280, height: 800, scheme: "light" },
    { width: 360, height: 740, scheme: "dark" },
  ] as const) {
    const ana = await ConsoleBrowser.of(screen);
    await ana.open(w);
    await inSettings(ana);
    await ana.page.getByLabel("A theme file of this device").setInputFiles(file("Ocean.itermcolors", ITERM));
    await ana.page.getByText("Ocean: imported").waitFor();
    await ana.page
      .getByRole("row", { name: /^Go to Hosts/ })
      .getByRole("button", { name: "Change" })
      .click();
    await ana.page.getByLabel("Keys for Go to Hosts", { exact: true }).press("Tab");
    const isWider = await ana.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
    expect([screen, isWider, await axeOn(ana)]).toEqual([screen, false, []]);
  }
});
