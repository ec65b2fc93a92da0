import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { argvFor, environmentFor, findKernels, kernelFolders, kernelNamed, type Kernelspec, parseKernelspec } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "hold-spec-"));
afterAll(() => rmSync(root, { recursive: true }));

const sound = { argv: ["/usr/bin/k", "-f", "{connection_file}"], display_name: "K", language: "k" };
const put = (folder: string, name: string, text: string) => {
  mkdirSync(join(root, folder, name), { recursive: true });
  writeFileSync(join(root, folder, name, "kernel.json"), text);
};
const why = (fields: object) => {
  const parsed = parseKernelspec(JSON.stringify(fields));
  return parsed.ok ? "" : parsed.why;
};

test("each fault of a kernelspec is told by its field", () => {
  expect(why(sound)).toBe("");
  expect(why([])).toBe("it must be a JSON object");
  expect(why({ ...sound, argv: "python" })).toBe("argv must be a list of at least one text");
  expect(why({ ...sound, argv: ["k"] })).toBe("argv must have {connection_file} in it, or the kernel can't be reached");
  expect(why({ ...sound, display_name: 1 })).toBe("display_name must be a text");
  expect(why({ ...sound, interrupt_mode: "nmi" })).toBe('interrupt_mode must be "signal" or "message", not "nmi"');
  expect(why({ ...sound, env: { A: 1 } })).toBe("env.A must be a text");
  const parsed = parseKernelspec("{");
  expect(parsed.ok ? "" : parsed.why).toMatch(/^it is not JSON: /);
});

test("Jupyter's folders are looked through in Jupyter's order", () => {
  const env = { HOME: "/home/a", JUPYTER_PATH: "/opt/j:relative", VIRTUAL_ENV: "/venv", CONDA_PREFIX: "/conda" };
  expect(kernelFolders(env, "linux")).toEqual([
    "/opt/j/kernels",
    "/home/a/.local/share/jupyter/kernels",
    "/venv/share/jupyter/kernels",
    "/conda/share/jupyter/kernels",
    "/usr/local/share/jupyter/kernels",
    "/usr/share/jupyter/kernels",
    "/home/a/.ipython/kernels",
  ]);
  expect(kernelFolders({ ...env, JUPYTER_PREFER_ENV_PATH: "1", JUPYTER_DATA_DIR: "/data" }, "linux").slice(1, 4)).toEqual([
    "/venv/share/jupyter/kernels",
    "/conda/share/jupyter/kernels",
    "/data/kernels",
  ]);
  expect(kernelFolders({ HOME: "/Users/a" }, "darwin")[0]).toBe("/Users/a/Library/Jupyter/kernels");
  expect(kernelFolders({ HOME: "/h", XDG_DATA_HOME: "/x" }, "linux")[0]).toBe("/x/jupyter/kernels");
});

test("the first folder that has a name has it, whatever its case, and a faulty one is told and still hides the later", async () => {
  put("a", "Py", JSON.stringify(sound));
  put("a", "broken", "{");
  put("b", "py", JSON.stringify({ ...sound, display_name: "later" }));
  put("b", "broken", JSON.stringify(sound));
  put("b", "no spaces", JSON.stringify(sound));
  mkdirSync(join(root, "b", "empty"));
  const found = await findKernels([join(root, "none"), join(root, "a"), join(root, "b")]);
  expect(found.kernels.map((one) => [one.name, one.spec.displayName, one.resourceDir])).toEqual([
    ["py", "K", join(root, "a", "Py")],
  ]);
  expect(found.faulty.map((one) => one.file)).toEqual([
    join(root, "a", "broken", "kernel.json"),
    join(root, "b", "no spaces", "kernel.json"),
  ]);
  expect(kernelNamed(found, "PY")).toMatchObject({ ok: true });
  expect(kernelNamed(found, "broken")).toMatchObject({ ok: false, code: "bad_kernelspec" });
  expect(kernelNamed(found, "ruby")).toMatchObject({
    code: "no_such_kernel",
    message: expect.stringContaining("there is py in"),
  });
});

test("a kernel's argv and environment are filled in, and it watches no parent", () => {
  const spec: Kernelspec = {
    argv: ["k", "-f={connection_file}", "{resource_dir}/x", "{prefix}", "{other}"],
    displayName: "K",
    language: "k",
    interruptMode: "signal",
    env: { A: "${HOME}/a:$PATH", B: "$$x ${NONE} $NONE", PATH: "/own" },
    metadata: {},
  };
  expect(argvFor(spec, { connectionFile: "/run/$&.json", resourceDir: "/r" })).toEqual([
    "k",
    "-f=/run/$&.json",
    "/r/x",
    "{prefix}",
    "{other}",
  ]);
  expect(environmentFor(spec, { HOME: "/h", PATH: "/bin", JPY_PARENT_PID: "1", GONE: undefined })).toEqual({
    HOME: "/h",
    PATH: "/own",
    A: "/h/a:/bin",
    B: "$x ${NONE} $NONE",
  });
});
