/** Commands about the host, the configuration and this installation. */
import { command, fromMirrorFlag, jsonFlag } from "./command.ts";

export const hostCommands = [
  command({
    path: ["host", "up"],
    local: true,
    group: "host",
    brief: "start the host, if it does not run; let it listen",
    description:
      "It listens on nothing but its socket unless asked. With --listen or --ssh it is started, or started anew if it runs (sessions run on), and listens there as long as its keeper lives, also after a crash of the host; `host.listen` and `host.ssh` in config.toml do the same for good. With --listen, addresses of this machine's loopback take plaintext; any other takes TLS alone. With --ssh, stock ssh clients reach sessions: `ssh -p PORT SESSION@ADDRESS`. With --oidc-issuer it is started anew likewise. It listens where this line says, and lets people log in where it says: give together what is meant, or set it in config.toml.",
    flags: {
      listen: { kind: "text", value: "ADDRESS:PORT", brief: "take links and HTTP requests there, e.g. 127.0.0.1:7433" },
      tlsCert: { kind: "text", value: "FILE", complete: "file", brief: "certificate chain, PEM" },
      tlsKey: { kind: "text", value: "FILE", complete: "file", brief: "its key, PEM" },
      allowHost: { kind: "list", value: "NAME", brief: "a name that clients may ask for besides the address; may be repeated" },
      allowOrigin: { kind: "list", value: "URL", brief: "an origin whose pages may connect; may be repeated" },
      console: { kind: "bool", brief: "with --listen: serve the console there too, for `hold console --by-network`" },
      oidcIssuer: { kind: "text", value: "URL", brief: "where people log in (`hold login`), for as long" },
      oidcClientId: { kind: "text", value: "ID", brief: "what this host is called there" },
      ssh: { kind: "text", value: "ADDRESS:PORT", brief: "take ssh clients there, e.g. 127.0.0.1:2222" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold host up", says: "any command that needs it does this by itself" },
      { line: "hold host up --ssh 0.0.0.0:2222", says: "for ssh, sftp and scp, by operators' keys" },
      { line: "hold host up --listen 127.0.0.1:7433", says: "for pages and programs of this machine" },
      {
        line: "hold host up --listen 0.0.0.0:7433 --tls-cert box.pem --tls-key box.key --allow-host box.example",
        says: "for other machines",
      },
    ],
    see: ["security", "ssh"],
    load: () => import("../commands/host-up.ts"),
  }),
  command({
    path: ["host", "down"],
    local: true,
    group: "host",
    brief: "stop the host; its sessions run on",
    description:
      "The programs keep running, held by their shims; what they print waits there. The next command starts the host again, and it takes them up where they are.",
    flags: { force: { kind: "bool", short: "f", brief: "without draining what is in flight" }, json: jsonFlag },
    examples: [{ line: "hold host down", says: "before an upgrade, say" }],
    load: () => import("../commands/host-down.ts"),
  }),
  command({
    path: ["host", "status"],
    group: "host",
    brief: "pid, version, sessions, limits of the host",
    description:
      "`loop lag` is how late the host was to look at what came, one look of a hundred, over the last ten seconds in which somebody was linked: what a key waits for before anything is done with it.",
    flags: { json: jsonFlag },
    examples: [{ line: "hold host status", says: "exit 5 if it does not run" }],
    load: () => import("../commands/host-status.ts"),
  }),
  command({
    path: ["console"],
    local: true,
    group: "host",
    brief: "see and steer sessions in a browser of this machine",
    description:
      "The host serves a page on this machine's loopback, and nowhere else; it is opened by the first `hold console`, and again by every later life of the host until `--off`. What is printed is a link that works once: the browser that opens it makes a key of its own, which is another key of yours, and needs no link from then on. The link holds an invitation behind its `#`, which no server is sent; who has it before you do is you, so it is over after ten minutes. `hold operator show` lists the keys of browsers, and `hold operator revoke --key` takes one back. With --by-relay the page is a relay's (`hold relay --console`), for a phone or a machine that has nothing else: that relay can read what the page shows and type as its person, so the key that it makes manages no operators, policy or approvals, wherever it is used. With HOST it is the page of another machine's host, where that serves one to other machines (as with --by-network). If that does not answer and its context names a mirror, and always with --from-mirror, the page shows the record in that mirror: this command serves it until Ctrl-C, to a browser that may read and nothing else, and each screen says as of when it is.",
    args: [
      {
        name: "HOST",
        brief: "a context, an address, or with --relay a host's name; absent: this machine's",
        optional: true,
        isHost: true,
      },
    ],
    flags: {
      noOpen: { kind: "bool", brief: "print the link, and open no browser" },
      byNetwork: {
        kind: "bool",
        brief: "a link for another machine's browser, to the page where the host listens (`hold host up --listen … --console`)",
      },
      byRelay: { kind: "bool", brief: "a link for any browser, to the page that a relay of this host serves (not end to end)" },
      off: { kind: "bool", brief: "close the page; whoever has it open is out" },
      redeemWithin: { kind: "duration", brief: "how long the link can be taken up (default, and at most: 10m)" },
      fromMirror: fromMirrorFlag,
      json: jsonFlag,
    },
    examples: [
      { line: "hold console", says: "a link, and the browser if there is one" },
      { line: "ssh -L 7434:127.0.0.1:7434 box hold console --no-open", says: "for a browser elsewhere: open the link there" },
      { line: "hold console --by-relay", says: "for a phone, where the host has joined a relay with --allow-plain" },
      { line: "hold console box", says: "of another host, or if it is gone what its mirror has, until Ctrl-C" },
      { line: "hold console box --from-mirror", says: "what the mirror has, and no host is asked" },
      { line: "hold console --off", says: "no page any more" },
    ],
    see: ["security", "mirror"],
    load: () => import("../commands/console.ts"),
  }),
  command({
    path: ["host", "mirror"],
    group: "host",
    brief: "copy the host's record to NATS, so that it outlives the machine",
    description:
      "With an address, the host copies its record (every session's history, the audit, what the screens are made from) to a JetStream object store there from now on, encrypted, and goes on by itself whatever becomes of the host or of NATS. `status` tells how far it is, and exits 1 where it is not as it should be; `now` copies at once what is not there yet, and ends when it is; `key` prints what the record is read with, to an auditor or an admin, and to no AI; `off` ends it, and leaves what is there.",
    args: [{ name: "WHAT", brief: "an address (nats://HOST:4222, tls://HOST:4222), or status, now, key, off" }],
    flags: {
      natsCreds: {
        kind: "text",
        value: "FILE",
        complete: "file",
        brief: "a NATS credentials file, which the host keeps a copy of",
      },
      bucket: { kind: "text", value: "NAME", brief: "of the object store (default: holdfast); it is made if it is not there" },
      takeOver: { kind: "bool", brief: "go on in place of another host of this home, which is then refused" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold host mirror nats://nats.example:4222 --nats-creds box.creds", says: "from now on" },
      { line: "hold host mirror now", says: "before the machine goes" },
      { line: "hold host mirror status", says: "state, how far behind, and why" },
      {
        line: "hold context set box --at wss://box.example:7433 --mirror nats://nats.example:4222",
        says: "elsewhere: with the key, while the host is there",
      },
      { line: "hold log box/main", says: "answers from the mirror when the host does not" },
    ],
    see: ["mirror", "security"],
    load: () => import("../commands/host-mirror.ts"),
  }),
  command({
    path: ["host", "trust"],
    group: "host",
    brief: "make sure of a host that listens, once, and remember its key",
    description:
      "Asks who answers there and, once you agree, keeps its key in the home's known_hosts: from then on `--host URL` speaks to that host alone. Its id is what `hold host status` shows on its machine.",
    args: [{ name: "URL", brief: "e.g. wss://box.example:7433" }],
    flags: {
      id: { kind: "text", value: "ID", brief: "the id that it must have; nothing is asked then" },
      yes: { kind: "bool", short: "y", brief: "whoever answers: only where nobody can be in between" },
      json: jsonFlag,
    },
    examples: [{ line: "hold host trust wss://box.example:7433", says: "shows its id and asks" }],
    see: ["security"],
    load: () => import("../commands/host-trust.ts"),
  }),
  command({
    path: ["host", "logs"],
    local: true,
    group: "host",
    brief: "the host's own log",
    flags: {
      lines: { kind: "number", short: "n", value: "N", brief: "so many last lines (default: 50)" },
      follow: { kind: "bool", short: "f", brief: "go on as it grows" },
    },
    examples: [{ line: "hold host logs -n 200", says: "the last 200 lines" }],
    load: () => import("../commands/host-logs.ts"),
  }),
  command({
    path: ["host", "install"],
    local: true,
    group: "host",
    brief: "start the host at boot: a systemd user unit, and lingering",
    description:
      "Writes ~/.config/systemd/user/holdfast.service, enables it, and says whether lingering is on: without it the system may end your processes when you log out.",
    flags: {
      print: { kind: "bool", brief: "print the unit and change nothing" },
      remove: { kind: "bool", brief: "take the unit away again" },
    },
    examples: [
      { line: "hold host install", says: "once a machine" },
      { line: "hold host install --print", says: "what it would write" },
    ],
    load: () => import("../commands/host-install.ts"),
  }),
  command({
    path: ["config", "show"],
    group: "host",
    brief: "the settings in effect, and where each comes from",
    flags: { json: jsonFlag },
    examples: [{ line: "hold config", says: "the same" }],
    load: () => import("../commands/config-show.ts"),
  }),
  command({
    path: ["config", "get"],
    group: "host",
    brief: "print one setting",
    args: [{ name: "KEY", brief: "e.g. attach.prefix", complete: "setting" }],
    flags: { json: jsonFlag },
    examples: [{ line: "hold config get attach.prefix", says: "its value alone" }],
    load: () => import("../commands/config-get.ts"),
  }),
  command({
    path: ["config", "set"],
    group: "host",
    brief: "change one setting in config.toml",
    args: [
      { name: "KEY", brief: "e.g. attach.prefix", complete: "setting" },
      { name: "VALUE", brief: "the value; checked before it is written" },
    ],
    flags: { json: jsonFlag },
    examples: [{ line: "hold config set attach.prefix C-a", says: "another prefix key" }],
    load: () => import("../commands/config-set.ts"),
  }),
  command({
    path: ["config", "edit"],
    group: "host",
    brief: "open config.toml in your editor, and check it afterwards",
    flags: {},
    examples: [{ line: "EDITOR=vim hold config edit", says: "made with its comments if there is none yet" }],
    load: () => import("../commands/config-edit.ts"),
  }),
  command({
    path: ["doctor"],
    group: "host",
    brief: "check this installation and say what to do",
    flags: {
      resetTerminal: { kind: "bool", brief: "put this terminal back in order after a killed `hold attach`, and do nothing else" },
      json: jsonFlag,
    },
    examples: [
      { line: "hold doctor", says: "exit 1 if something needs doing" },
      { line: "hold doctor --reset-terminal", says: "when the terminal is garbled" },
    ],
    load: () => import("../commands/doctor.ts"),
  }),
];
