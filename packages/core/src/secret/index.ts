export { patternsOf } from "./forms.ts";
export { Matcher } from "./matcher.ts";
export { Mask, maskWhole } from "./mask.ts";
