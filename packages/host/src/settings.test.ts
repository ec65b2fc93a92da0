import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { readSettings } from "./settings.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function read(toml: string | null) {
  const folder = mkdtempSync(join(tmpdir(), "hold-settings-"));
  folders.push(folder);
  mkdirSync(join(folder, "holdfast"));
  if (toml !== null) writeFileSync(join(folder, "holdfast", "config.toml"), toml);
  const said: string[] = [];
  return { settings: readSettings({ XDG_CONFIG_HOME: folder }, (text) => said.push(text)), said };
}

const defaults = {
  outputBytes: 64 * 1024 * 1024,
  recordDays: 90,
  recordBytes: 2048 * 1024 * 1024,
  sessions: 4_000,
  listen: null,
  oidc: null,
  ssh: null,
  forwarding: "ssh",
};

test("without a file, and without a section for the host, everything has its default", () => {
  expect(read(null)).toEqual({ settings: defaults, said: [] });
  expect(read('[attach]\nprefix = "C-a"\n')).toEqual({ settings: defaults, said: [] });
});

test("what the file sets is used", () => {
  expect(
    read("[host]\noutput_retention_mib = 8\nrecord_retention_days = 7\nrecord_retention_mib = 64\nsessions = 2\n").settings,
  ).toEqual({
    outputBytes: 8 * 1024 * 1024,
    recordDays: 7,
    recordBytes: 64 * 1024 * 1024,
    sessions: 2,
    oidc: null,
    listen: null,
    ssh: null,
    forwarding: "ssh",
  });
});

test.each(["output_retention_mib = 0", 'sessions = "many"', "record_retention_days = 1.5"])(
  "a value out of bounds is named and its default used: %s",
  (line) => {
    const { settings, said } = read(`[host]\n${line}\n`);
    expect(settings).toEqual(defaults);
    expect(said.join()).toContain(line.split(" ")[0]);
  },
);

test("a file that is no TOML stops nothing", () => {
  const { settings, said } = read("[host\n");
  expect(settings).toEqual(defaults);
  expect(said.join()).toContain("config.toml");
});

test("where people log in stands in a section of its own", () => {
  expect(read('[oidc]\nissuer = "https://login.example"\nclient_id = "holdfast"\n')).toEqual({
    settings: { ...defaults, oidc: { issuer: "https://login.example", clientId: "holdfast" } },
    said: [],
  });
  const wrong = read('[oidc]\nissuer = ["https://login.example"]\n');
  expect(wrong.settings.oidc).toBeNull();
  expect(wrong.said.join()).toContain("oidc.issuer");
});

test("where to listen is a text, and names and origins stand with blanks between them", () => {
  expect(
    read('[host]\nlisten = "0.0.0.0:7433"\ntls_cert = "c"\ntls_key = "k"\nallow_host = "box  box.example:443"\n').settings.listen,
  ).toEqual({ listen: "0.0.0.0:7433", tlsCert: "c", tlsKey: "k", allowHosts: ["box", "box.example:443"], allowOrigins: [] });
  const wrong = read("[host]\nlisten = 7433\n");
  expect(wrong.settings.listen).toBeNull();
  expect(wrong.said.join()).toMatch(/host\.listen is 7433/);
  // Half of what was meant may be the certificate: it must not become plaintext.
  expect(read('[host]\nlisten = "127.0.0.1:7433"\ntls_cert = ["c"]\ntls_key = ["k"]\n').settings.listen).toBeNull();
  expect(read('[host]\nlisten = "127.0.0.1:7433"\nallow_origin = ["https://a.example"]\n').settings.listen).toBeNull();
});

test("who is led to ports of sessions is nobody, ssh's own or all, and where it can't be read nobody is", () => {
  for (const word of ["off", "ssh", "on"]) expect(read(`[host]\nforward = "${word}"\n`).settings.forwarding).toBe(word);
  const wrong = read("[host]\nforward = true\n");
  expect(wrong.settings.forwarding).toBe("off");
  expect(wrong.said.join()).toMatch(/host\.forward is true/);
});
