import { expect, test } from "vitest";
import { json, textOfMessage } from "./index.ts";

const of = (msg_type: string, content: object): string | null =>
  textOfMessage({
    header: json({ msg_id: "m", msg_type }),
    parent: json({}),
    metadata: json({}),
    content: json(content),
    buffers: [],
  });

test("a stream is told as it was printed, and what is shown ends its line", () => {
  expect(of("stream", { name: "stdout", text: "a" })).toBe("a");
  expect(of("execute_result", { data: { "text/plain": "42" } })).toBe("42\n");
  expect(of("display_data", { data: { "text/plain": ["a\n", "b"] } })).toBe("a\nb\n");
});

test("an error is told by its traceback, or by what there is", () => {
  expect(of("error", { ename: "E", evalue: "v", traceback: ["one", "two"] })).toBe("one\ntwo\n");
  expect(of("error", { ename: "E", evalue: "v", traceback: [] })).toBe("E: v\n");
});

test("an image without a description, and a status, are no text", () => {
  expect(of("display_data", { data: { "image/png": "AAAA" } })).toBeNull();
  expect(of("status", { execution_state: "busy" })).toBeNull();
});
