import { HoldError } from "@holdfast/protocol";
import { describe, expect, test } from "vitest";
import { Gate, reachedAt, readListen } from "./gate.ts";

const tls = { tlsCert: "cert.pem", tlsKey: "key.pem" };

describe("where a host may listen", () => {
  test.each([
    ["127.0.0.1:7433", "127.0.0.1", 7433],
    ["127.200.0.1:0", "127.200.0.1", 0],
    ["localhost:7433", "127.0.0.1", 7433],
    ["[::1]:7433", "::1", 7433],
  ])("%s, in plaintext", (listen, address, port) => expect(readListen({ listen })).toMatchObject({ address, port, tls: null }));

  test.each(["0.0.0.0:7433", "[::]:7433", "192.168.1.5:7433", "box.example:7433", "128.0.0.1:80", "127.0.0.1.evil.example:80"])(
    "%s, but not in plaintext",
    (listen) => {
      expect(() => readListen({ listen })).toThrow(/plaintext.*--tls-cert/);
      expect(readListen({ listen, ...tls, allowHosts: ["box"] }).tls).toEqual({ cert: "cert.pem", key: "key.pem" });
    },
  );

  test.each([
    "",
    "7433",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:65536",
    ":7433",
    "::1:7433",
    "a b:1",
    "[::1]",
    "http://127.0.0.1:1",
  ])("not %j", (listen) => expect(() => readListen({ listen })).toThrow(HoldError));

  test("a certificate without its key is none", () => {
    expect(() => readListen({ listen: "127.0.0.1:1", tlsCert: "c" })).toThrow(/belong together/);
  });

  test("every address at once needs a name that it is reached by", () => {
    expect(() => readListen({ listen: "0.0.0.0:1", ...tls })).toThrow(/--allow-host/);
  });

  test.each([
    "null",
    "*",
    "console.example",
    "https://console.example/",
    "https://console.example:443",
    "HTTPS://console.example",
    "file:///x",
  ])("%j is no origin to allow", (origin) =>
    expect(() => readListen({ listen: "127.0.0.1:1", allowOrigins: [origin] })).toThrow(/no origin/),
  );
});

describe("who may come in", () => {
  const gate = new Gate(
    readListen({
      listen: "127.0.0.1:0",
      allowHosts: ["box.example", "other.example:443"],
      allowOrigins: ["https://good.example"],
    }),
    7433,
    "hold host up",
  );
  const refusal = (host: readonly string[], origin: readonly string[] = []) =>
    gate.refusal([...host.flatMap((value) => ["Host", value]), ...origin.flatMap((value) => ["oRIGIN", value])]);

  test.each(["127.0.0.1:7433", "localhost:7433", "box.example", "box.example:7433", "other.example:443"])("Host: %s", (host) =>
    expect(refusal([host])).toBeNull(),
  );

  test.each([
    [[]],
    [[""]],
    [["127.0.0.1"]],
    [["127.0.0.1:7434"]],
    [["127.1:7433"]],
    [["0x7f.1:7433"]],
    [["[::1]:7433"]],
    [["localhost"]],
    [["LOCALHOST:7433"]],
    [["localhost.:7433"]],
    [["evil.example:7433"]],
    [["box.example.evil.example:7433"]],
    [["evilbox.example"]],
    [["other.example"]],
    [["other.example:7433"]],
    [["ana@127.0.0.1:7433"]],
    [["127.0.0.1:7433", "127.0.0.1:7433"]],
    [["127.0.0.1:7433", "evil.example"]],
    [["127.0.0.1:7433, evil.example"]],
  ])("not Host: %j", (hosts) => expect(refusal(hosts)).toMatch(/name/));

  test.each(["https://good.example", "http://127.0.0.1:7433", "http://localhost:7433", "http://box.example:7433"])(
    "Origin: %s",
    (origin) => expect(refusal(["localhost:7433"], [origin])).toBeNull(),
  );

  test.each([
    "",
    "null",
    "http://evil",
    "http://good.example",
    "https://good.example.evil.com",
    "https://evilgood.example",
    "https://good.example:8443",
    "https://good.example.",
    "https://GOOD.example",
    "https://ana@good.example",
    "https://xn--god-0na.example",
    "https://good.example/",
    "http://localhost:7434",
    "https://localhost:7433",
    "http://127.0.0.1",
  ])("not Origin: %j", (origin) => expect(refusal(["localhost:7433"], [origin])).toMatch(/origin/));

  test("not two origins, of which one is good", () =>
    expect(refusal(["localhost:7433"], ["https://good.example", "https://good.example"])).toMatch(/origin/));
});

test("nobody sends the port that is a scheme's own, neither for an address nor for a name", () => {
  const tls = { tlsCert: "c", tlsKey: "k" };
  const gate = new Gate(readListen({ listen: "192.0.2.5:443", ...tls, allowHosts: ["box.example"] }), 443, "hold host up");
  const isIn = (host: string, origin?: string): boolean =>
    gate.refusal(["Host", host, ...(origin === undefined ? [] : ["Origin", origin])]) === null;
  expect([isIn("192.0.2.5"), isIn("192.0.2.5:443"), isIn("box.example"), isIn("192.0.2.5:80")]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect([isIn("box.example", "https://box.example"), isIn("box.example", "https://box.example:443")]).toEqual([true, false]);
});

test("a page that something else serves under an allowed name is nobody's until it is allowed", () => {
  const tls = { tlsCert: "c", tlsKey: "k" };
  const gate = new Gate(readListen({ listen: "0.0.0.0:7433", ...tls, allowHosts: ["box.example"] }), 7433, "hold host up");
  const from = (origin: string) => gate.refusal(["Host", "box.example:7433", "Origin", origin]);
  expect(from("https://box.example:7433")).toBeNull();
  expect(from("https://box.example")).toMatch(/origin/);
});

test.each(["https://box:7433", "Box.Example", "fd00::1", "box:", "box:x", "*.example", ""])("%j is no name to allow", (name) =>
  expect(() => readListen({ listen: "127.0.0.1:1", allowHosts: [name] })).toThrow(/no name/),
);

test("others are told the address, or a name where the address is every one of the machine's", () => {
  const at = (listen: string, ...allowHosts: string[]) => reachedAt(readListen({ listen, ...tls, allowHosts }), 7433);
  expect(at("127.0.0.1:0", "box.example")).toBe("127.0.0.1:7433");
  expect(at("[fd00::1]:0")).toBe("[fd00::1]:7433");
  expect(at("0.0.0.0:0", "box.example")).toBe("box.example:7433");
  expect(at("[::]:0", "box.example:443", "box")).toBe("box.example:443");
});
