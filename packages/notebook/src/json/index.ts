export {
  byCodePoint,
  isObject,
  type Json,
  type JsonObject,
  type JsonReading,
  parseJson,
  sameJson,
  WholeFloat,
  writeJson,
} from "./json.ts";
