/**
 * The walls between rooms, as dependency-cruiser rules. Each line of `may` is a sentence of docs/architecture.md: who may
 * import whom, and nobody else. What the tool cannot see is in scripts/walls/ (undeclared packages, clocks in the pure
 * rooms). A wall moves by a decision record, never by an exception here.
 */

/**
 * Production code of each package: what it may import of its neighbours.
 * @type {Record<string, string[]>}
 */
const may = {
  protocol: [],
  core: ["protocol"],
  notebook: [],
  carrier: ["protocol"],
  shim: [],
  kernel: [],
  host: ["protocol", "core", "carrier", "shim", "kernel", "notebook"],
  sdk: ["protocol", "core", "carrier", "kernel", "notebook", "runbook"],
  relay: ["protocol", "carrier"],
  runbook: [],
  testkit: ["protocol", "core", "carrier", "shim", "host", "sdk", "relay", "notebook", "runbook"],
};

/** Tests stand outside the walls between packages, since testkit joins them all; they keep the rest. */
const tests = "\\.test\\.ts$|/(test|testkit)/|^bench/";

const rooms = Object.entries(may).map(([name, neighbours]) => ({
  name: `${name}-may-import-${neighbours.join("-") || "nothing"}`,
  comment: `packages/${name} may import of the other packages only: ${neighbours.join(", ") || "none"}.`,
  severity: "error",
  from: { path: `^packages/${name}/`, pathNot: name === "testkit" ? "a^" : tests },
  to: {
    path: "^packages/|^apps/|^node_modules/@holdfast/",
    pathNot: `^packages/(${[name, ...neighbours].join("|")})/|^node_modules/@holdfast/(${[name, ...neighbours].join("|")})(/|$)`,
  },
}));

export default {
  forbidden: [
    ...rooms,
    {
      name: "apps-import-sdk-only",
      comment: "An app holds no rules: it parses, calls the sdk and shows.",
      severity: "error",
      from: { path: "^apps/([^/]+)/", pathNot: tests },
      to: {
        path: "^packages/|^apps/",
        pathNot:
          "^packages/sdk/|^apps/$1/|^packages/host/src/(start|audit|mirror/read|listen/listener)\\.ts$|^packages/relay/src/index\\.ts$|^apps/mcp/src/index\\.ts$",
      },
    },
    {
      name: "only-the-cli-serves-mcp",
      comment: "`hold mcp` starts the MCP server (ADR 80); no other app may.",
      severity: "error",
      from: { path: "^apps/", pathNot: `^apps/(cli|mcp)/|${tests}` },
      to: { path: "^apps/mcp/" },
    },
    {
      name: "only-the-cli-starts-a-host",
      comment:
        "The command line may start a host, read its audit and its mirror, and listen as a host does (ADR 0006, 0007, 0103, 0157); no other app may.",
      severity: "error",
      from: { path: "^apps/", pathNot: `^apps/cli/|${tests}` },
      to: { path: "^packages/host/" },
    },
    {
      name: "only-the-cli-runs-a-relay",
      comment: "`hold relay` runs one and asks it (ADR 150); no other app may.",
      severity: "error",
      from: { path: "^apps/", pathNot: `^apps/cli/|${tests}` },
      to: { path: "^packages/relay/" },
    },
    {
      name: "testkit-is-for-tests",
      severity: "error",
      from: { path: "^(packages|apps)/", pathNot: `^packages/testkit/|${tests}` },
      to: { path: "^packages/testkit/" },
    },
    {
      name: "no-test-in-production",
      comment: "What ships does not import a test, nor what only tests use.",
      severity: "error",
      from: { path: "^(packages|apps)/", pathNot: tests },
      to: { path: "\\.test\\.ts$|/test/|^node_modules/(vitest|fast-check|@vitest)/" },
    },
    {
      name: "pure-rooms-touch-no-machine",
      comment:
        "protocol, core, notebook, runbook and what of kernel a host uses have no I/O: they run in a browser, in a simulation and in the host alike.",
      severity: "error",
      from: { path: "^packages/(protocol/|core/|notebook/|runbook/|kernel/src/(message|record|session|index))", pathNot: tests },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "what-a-host-uses-of-kernel-starts-nothing",
      comment: "Kernels are started, and ZeroMQ is loaded, by the bridge alone: a program of its own (ADR 185).",
      severity: "error",
      from: { path: "^packages/kernel/src/(message|record|session|spec|index)", pathNot: tests },
      to: { path: "^packages/kernel/src/bridge/|^node_modules/zeromq/" },
    },
    {
      name: "pages-have-no-node",
      comment: "A page can have the sdk's root and its carriers: nothing that they run needs Node (ADR 90).",
      severity: "error",
      from: { path: "^packages/(carrier/src/(websocket|http)/(?!node\\.ts)|sdk/src/(?!node/))", pathNot: tests },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "pages-import-no-package-of-node",
      severity: "error",
      from: { path: "^packages/(carrier/src/(websocket|http)/(?!node\\.ts)|sdk/src/(?!node/))", pathNot: tests },
      to: { path: "^packages/carrier/src/(index|unix/|websocket/node|http/node)|^packages/sdk/src/node/|^node_modules/ws/" },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // TypeScript 7 has no JavaScript API, so swc reads the files.
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|\\.build|gen|fixtures)/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "node", "default"],
      extensions: [".ts", ".mjs", ".js", ".d.ts"],
    },
  },
};
