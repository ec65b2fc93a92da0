import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hold, host, session } from "../app/fake.ts";

const folder = () => mkdtempSync(join(tmpdir(), "hold-cli-"));

describe("settings", () => {
  test("set writes a checked value, get and config read it back with its source", async () => {
    const configFolder = folder();
    const world = { client: host({}), configFolder };
    expect((await hold("config set attach.prefix C-a", world)).code).toBe(0);
    expect((await hold("config get attach.prefix", world)).out.text).toBe("C-a\n");
    expect(JSON.parse((await hold("config --json", world)).out.text).settings["attach.prefix"]).toEqual({
      value: "C-a",
      source: "config",
    });
    expect((await hold("config set attach.prefix hello", world)).code).toBe(2);
    expect((await hold("config set attach.prefx C-a", world)).err.text).toContain("did you mean attach.prefix");
  });
  test("C2, C3: a wrong value and an unknown key are told with their line, and stop only what uses them", async () => {
    const configFolder = folder();
    const file = join(configFolder, "config.toml");
    writeFileSync(file, '[attach]\nstatus = "5"\nprefx = "C-a"\n\n[bogus]\nx = 1\n');
    const world = { client: host({ listed: [session()], kill: async () => session({ state: 2 }) }), configFolder };
    for (const line of ["ls", "show work", "kill work", "config", "config get attach.prefix"])
      expect([line, (await hold(line, world)).code]).toEqual([line, 0]);
    const { problems } = JSON.parse((await hold("config --json", world)).out.text) as { problems: string[] };
    expect(problems).toEqual([
      `${file}:3: there is no setting "attach.prefx"; did you mean attach.prefix or attach.screen?`,
      `${file}:6: there is no setting "bogus.x"`,
      expect.stringMatching(/:2: attach\.status is "5" and must be a duration/),
    ]);
    expect((await hold("config", world)).err.text).toContain("attach.prefx");
    const settings = (await hold("doctor --json", { ...world, home: configFolder })).out.lines.map((l) => JSON.parse(l));
    expect(settings.find((c) => c.what === "settings")).toMatchObject({ state: "wrong" });
    const { loadSettings } = await import("../config/settings.ts");
    const read = await loadSettings(configFolder, {});
    expect(() => read.statusMs).toThrow("attach.status");
    expect(read.prefix).toBe("\x11");
  });
  test("the environment wins over the file", async () => {
    const { out } = await hold("config get attach.prefix --json", { configFolder: folder(), env: { HOLDFAST_PREFIX: "C-b" } });
    expect(JSON.parse(out.text)).toEqual({ key: "attach.prefix", value: "C-b", source: "environment" });
  });
});
