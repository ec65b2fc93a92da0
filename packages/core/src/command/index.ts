export { type Mark, MarkScanner, isNonce, maxMarkBytes, stripMarks } from "./marks.ts";
