/** What can stand beside a session's terminal, one at a time: a button in its bar each, a key, and a screen of its own where there is no room for two. */
import { FolderOpen, History } from "lucide-react";
import { lazy } from "react";
import { filesPath, timelinePath } from "../shell/routes.ts";
import type { Panel } from "./panel.ts";

const FilesPanel = lazy(() => import("../files/files-panel.tsx").then(({ FilesPanel: panel }) => ({ default: panel })));
const TimelinePanel = lazy(() =>
  import("../timeline/timeline-panel.tsx").then(({ TimelinePanel: panel }) => ({ default: panel })),
);

export const panels: readonly Panel[] = [
  { id: "timeline", title: "Timeline", icon: History, component: TimelinePanel, path: timelinePath },
  { id: "files", title: "Files and ports", icon: FolderOpen, component: FilesPanel, path: filesPath },
];

/** Below, a panel is a screen of its own. */
const ROOM_FOR_TWO = "(min-width: 56rem)";
export const hasRoomForTwo = (): boolean => matchMedia(ROOM_FOR_TWO).matches;
