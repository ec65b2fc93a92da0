/** The HTTP carrier for whoever has no Node: imports nothing but the platform. Node's ends are in node.ts. */
export { HTTP_LINK_PATH, httpLinkUrl } from "./address.ts";
export { connectHttp } from "./page.ts";
