/** The files where a session stands, and the ports that its programs listen on: to look at, to fetch, to bring. */
import { escapeText, type FileEntry, type Files, type ListeningPort } from "@holdfast/sdk";
import { ArrowUp, Download, File, Folder, Link2, RefreshCw, Upload } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { DropZone, FileTrigger, GridList, GridListItem } from "react-aria-components";
import { Button, Dialog, IconButton } from "../design/controls.tsx";
import { agoText, useNow } from "../design/time.ts";
import { OnSession } from "../session/on-session.tsx";
import type { PanelProps } from "../session/panel.ts";
import { Bar } from "../shell/bar.tsx";
import { type Content, contentOf, pathIn, SHOWN_BYTES, sizeText, stepsOf } from "./content.ts";
import css from "./files.module.css";

type FilesPanelProps = Pick<PanelProps, "client" | "session">;

/** Where there is no room beside a terminal. */
export function FilesPage({ hostId, sessionId }: { readonly hostId: string; readonly sessionId: string }): ReactNode {
  return (
    <OnSession hostId={hostId} sessionId={sessionId}>
      {({ client, session }) => (
        <>
          <Bar title={`Files of ${session.name}`} />
          <FilesPanel client={client} session={session} />
        </>
      )}
    </OnSession>
  );
}

type Listing = Awaited<ReturnType<Files["list"]>>;

export function FilesPanel({ client, session }: FilesPanelProps): ReactNode {
  const [listing, setListing] = useState<Listing | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [shown, setShown] = useState<Shown | null>(null);
  const [progress, setProgress] = useState<string | null>(null);
  const files = client.files(session.id);
  const attempt = useCallback(async (act: () => Promise<void>): Promise<void> => {
    setWrong(null);
    try {
      await act();
    } catch (fault) {
      setWrong(escapeText(fault instanceof Error ? fault.message : String(fault)));
    } finally {
      setProgress(null);
    }
  }, []);
  const go = useCallback(
    (path?: string): Promise<void> => attempt(async () => setListing(await client.files(session.id).list(path))),
    [attempt, client, session.id],
  );
  useEffect(() => void go(), [go]);
  const open = (entry: FileEntry, folder: string): void => {
    const path = pathIn(folder, entry.name);
    if (entry.kind === "folder") return void go(path);
    void attempt(async () => setShown(await looked(files, path, setProgress)));
  };
  const bring = (folder: string, given: readonly globalThis.File[]): void =>
    void attempt(async () => {
      for (const file of given) {
        setProgress(`${escapeText(file.name)}, ${sizeText(file.size)}`);
        await files.write(pathIn(folder, file.name), file.stream() as unknown as AsyncIterable<Uint8Array>, { ifSha256: null });
      }
      setListing(await files.list(folder));
    });
  return (
    <div className={css.panel}>
      {listing ? (
        <>
          <div className={css.bar}>
            <IconButton
              label="The folder above"
              isDisabled={listing.path === "/"}
              onPress={() => void go(pathIn(listing.path, ".."))}
            >
              <ArrowUp size={15} />
            </IconButton>
            <nav className={css.path} aria-label="Folder">
              {stepsOf(listing.path).map(({ name, path }, i) => (
                <Button key={path} look="quiet" onPress={() => void go(path)}>
                  {escapeText(i > 1 ? `/${name}` : name)}
                </Button>
              ))}
            </nav>
            <IconButton label="Look again" onPress={() => void go(listing.path)}>
              <RefreshCw size={15} />
            </IconButton>
            <FileTrigger allowsMultiple onSelect={(chosen) => chosen && bring(listing.path, [...chosen])}>
              <IconButton label="Bring files here">
                <Upload size={15} />
              </IconButton>
            </FileTrigger>
          </div>
          <DropZone
            className={css.list!}
            onDrop={(event) =>
              void Promise.all(event.items.filter((item) => item.kind === "file").map((item) => item.getFile())).then((given) =>
                bring(listing.path, given),
              )
            }
          >
            <Entries listing={listing} onOpen={(entry) => open(entry, listing.path)} />
          </DropZone>
        </>
      ) : wrong ? null : (
        <p className={css.hint}>Looking…</p>
      )}
      {progress ? (
        <p className={css.hint} role="status">
          {progress}
        </p>
      ) : null}
      {wrong ? (
        <p className={css.wrong} role="alert">
          {wrong}
        </p>
      ) : null}
      <Ports client={client} session={session} />
      {shown ? <Show shown={shown} files={files} onDone={() => setShown(null)} /> : null}
    </div>
  );
}

const ICONS = {
  file: <File size={14} />,
  folder: <Folder size={14} />,
  link: <Link2 size={14} />,
  other: <File size={14} />,
} as const;

function Entries({ listing, onOpen }: { readonly listing: Listing; readonly onOpen: (entry: FileEntry) => void }): ReactNode {
  const now = useNow(30_000);
  return (
    <>
      <GridList
        aria-label={`Files in ${escapeText(listing.path)}`}
        items={listing.entries.map((entry) => ({ id: entry.name, entry }))}
        dependencies={[now]}
        renderEmptyState={() => <p className={css.hint}>Nothing is here.</p>}
        onAction={(name) => {
          const entry = listing.entries.find((one) => one.name === name);
          if (entry) onOpen(entry);
        }}
      >
        {({ entry }) => (
          <GridListItem className={css.entry!} textValue={escapeText(entry.name)}>
            {ICONS[entry.kind]}
            <span title={escapeText(entry.target ? `${entry.name} → ${entry.target}` : entry.name)}>
              <bdi>{escapeText(entry.name)}</bdi>
            </span>
            <small>{entry.kind === "file" ? sizeText(entry.size) : ""}</small>
            <small>{agoText(entry.modifiedUnixMs, now)}</small>
          </GridListItem>
        )}
      </GridList>
      {listing.omitted > 0 ? <p className={css.hint}>and {listing.omitted} more</p> : null}
    </>
  );
}

interface Shown {
  readonly path: string;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly content: Content;
}

async function looked(files: Files, path: string, progress: (text: string) => void): Promise<Shown> {
  const parts: Uint8Array[] = [];
  let had = 0;
  const { size, path: full } = await files.read(
    path,
    (bytes) => {
      parts.push(bytes.slice());
      had += bytes.length;
      progress(`${sizeText(had)} read`);
    },
    { maxBytes: SHOWN_BYTES },
  );
  const bytes = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
  return { path: full, size, bytes, content: contentOf(bytes, size) };
}

function Show({
  shown,
  files,
  onDone,
}: {
  readonly shown: Shown;
  readonly files: Files;
  readonly onDone: () => void;
}): ReactNode {
  const { path, size, bytes, content } = shown;
  const [saved, setSaved] = useState<string | null>(null);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const save = async (): Promise<void> => {
    const parts: Uint8Array[] = [];
    await files.read(path, (part) => {
      parts.push(part.slice());
      setSaved(`${sizeText(parts.reduce((n, { length }) => n + length, 0))} of ${sizeText(size)}`);
    });
    const url = URL.createObjectURL(new Blob(parts as BlobPart[]));
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return (
    <Dialog title={escapeText(name)} about={`${escapeText(path)}, ${sizeText(size)}`} isOpen isWide onClose={onDone}>
      {content.is === "text" ? (
        <pre className={css.text}>{content.text}</pre>
      ) : content.is === "picture" ? (
        <Picture bytes={bytes} type={content.type} name={escapeText(name)} />
      ) : (
        <p className={css.hint}>
          {content.is === "large"
            ? `Above ${sizeText(SHOWN_BYTES)} a file is saved, and not shown.`
            : "This is no text, and no picture that is shown."}
        </p>
      )}
      {saved ? <p role="status">{saved}</p> : null}
      <footer>
        <Button onPress={onDone}>Close</Button>
        <Button look="primary" onPress={() => void save().catch((fault: unknown) => setSaved(escapeText(String(fault))))}>
          <Download size={15} aria-hidden /> Save
        </Button>
      </footer>
    </Dialog>
  );
}

/** F1: in a frame that has no origin of ours and runs no script. */
function Picture({ bytes, type, name }: { readonly bytes: Uint8Array; readonly type: string; readonly name: string }): ReactNode {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([bytes as BlobPart], { type }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes, type]);
  return url ? <iframe className={css.frame} sandbox="" src={url} title={name} /> : null;
}

const PORTS_MS = 4_000;

function Ports({ client, session }: FilesPanelProps): ReactNode {
  const [ports, setPorts] = useState<{ readonly ports: readonly ListeningPort[]; readonly reachable: boolean } | null>(null);
  useEffect(() => {
    const look = (): void => void client.ports(session.id).then(setPorts, () => setPorts(null));
    look();
    const timer = setInterval(look, PORTS_MS);
    return () => clearInterval(timer);
  }, [client, session.id]);
  if (!ports) return null;
  return (
    <section className={css.ports} aria-label="Ports">
      <h3>What listens</h3>
      {ports.ports.length === 0 ? <p className={css.hint}>None of its programs listens on a port.</p> : null}
      {ports.ports.map(({ port, address, pid, program }) => (
        <div key={`${address} ${port} ${pid}`} className={css.port}>
          <code>{port}</code>
          <span>
            {escapeText(program)} <small>({pid})</small>
          </span>
          {ports.reachable ? (
            <code>
              hold forward {session.name} {port}
            </code>
          ) : null}
        </div>
      ))}
      {ports.ports.length > 0 && !ports.reachable ? (
        <p className={css.hint}>
          From elsewhere they are reached once an admin says <code>hold config set host.forward on</code> here.
        </p>
      ) : null}
    </section>
  );
}
