/** Begins the page: the invitation out of the address first, then what this browser knows, then the screens. */
import "@fontsource-variable/inter/index.css";
import "@fontsource-variable/jetbrains-mono/index.css";
import "./design/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { takeInvitation } from "./entry.ts";
import { Hosts } from "./host/hosts.ts";
import { keepPage } from "./offline/updates.ts";
import { isSessionPath } from "./shell/routes.ts";
import { bringsSession } from "./shell/screens.ts";
import { Start } from "./welcome/start.tsx";

const invitation = takeInvitation(location, history);
if (isSessionPath(location.pathname)) void bringsSession().catch(() => {});
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Start invitation={invitation} loading={Hosts.load()} />
  </StrictMode>,
);

if (import.meta.env.PROD) addEventListener("load", () => void keepPage(new URL(import.meta.url).pathname).catch(() => {}));
