/** What who runs a relay may ask of it, on a socket in its owner-only folder: that is who they are. */
import { randomBytes } from "node:crypto";
import {
  Client,
  credentials,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { relayAdminService } from "@holdfast/carrier/grpc";
import {
  type Codec,
  create,
  fromBinary,
  type HeadsResponse,
  HeadsResponseSchema,
  HoldError,
  type Init,
  isCode,
  type RelayHeadsRequest,
  RelayHeadsRequestSchema,
  type RelayHostsRequest,
  RelayHostsRequestSchema,
  type RelayHostsResponse,
  RelayHostsResponseSchema,
  type RelayInviteRequest,
  RelayInviteRequestSchema,
  type RelayInviteResponse,
  RelayInviteResponseSchema,
  type RelayFleet,
  type RelayHost,
  type RelayLimitsRequest,
  RelayLimitsRequestSchema,
  type RelayLimitsResponse,
  RelayLimitsResponseSchema,
  type RelayOperator,
  type RelayOperatorsRequest,
  RelayOperatorsRequestSchema,
  type RelayOperatorsResponse,
  RelayOperatorsResponseSchema,
  type RelayRevokeRequest,
  RelayRevokeRequestSchema,
  type RelayRevokeResponse,
  RelayRevokeResponseSchema,
  toBinary,
} from "@holdfast/protocol";
import type { BookedHost } from "./book.ts";
import { headsOnWire } from "./heads.ts";
import type { Relay } from "./relay.ts";

const MAX_TOKEN_MS = 30 * 86_400_000;
const ASK_MS = 5_000;

/** One verb: how it is asked and answered. */
interface VerbOf<Q, A> {
  readonly asked: Codec<Q>;
  readonly answered: Codec<A>;
}

interface Verbs {
  readonly hosts: VerbOf<RelayHostsRequest, RelayHostsResponse>;
  readonly operators: VerbOf<RelayOperatorsRequest, RelayOperatorsResponse>;
  readonly invite: VerbOf<RelayInviteRequest, RelayInviteResponse>;
  readonly revoke: VerbOf<RelayRevokeRequest, RelayRevokeResponse>;
  readonly heads: VerbOf<RelayHeadsRequest, HeadsResponse>;
  readonly limits: VerbOf<RelayLimitsRequest, RelayLimitsResponse>;
}

const verbs: Verbs = {
  hosts: { asked: RelayHostsRequestSchema, answered: RelayHostsResponseSchema },
  operators: { asked: RelayOperatorsRequestSchema, answered: RelayOperatorsResponseSchema },
  invite: { asked: RelayInviteRequestSchema, answered: RelayInviteResponseSchema },
  revoke: { asked: RelayRevokeRequestSchema, answered: RelayRevokeResponseSchema },
  heads: { asked: RelayHeadsRequestSchema, answered: HeadsResponseSchema },
  limits: { asked: RelayLimitsRequestSchema, answered: RelayLimitsResponseSchema },
};

type VerbName = keyof Verbs;
type Asked<V extends VerbName> = Verbs[V] extends VerbOf<infer Q, infer _> ? Q : never;
type Answered<V extends VerbName> = Verbs[V] extends VerbOf<infer _, infer A> ? A : never;

type Answers = { readonly [V in VerbName]: (asked: Asked<V>) => Init<Answered<V>> | Promise<Init<Answered<V>>> };

function answersOf(relay: Relay, wallMs: () => number): Answers {
  const { book, heads, lines } = relay;
  return {
    async hosts() {
      const away = new Map((await relay.group.away()).map((host) => [host.id, host]));
      const told = async (host: BookedHost): Promise<Init<RelayHost>> => {
        const entry = lines.entry(host.id);
        const head = await heads.summary(host.id);
        const { sinceUnixMs = 0, version = "", from = "", relay: elsewhere = "" } = away.get(host.id) ?? {};
        return {
          ...{ headLsn: BigInt(head?.lsn ?? 0), headUnixMs: BigInt(head?.atUnixMs ?? 0), headConflicts: head?.conflicts ?? 0 },
          ...{ id: host.id, name: host.name, fleet: host.fleet, revoked: host.isRevoked },
          joinedUnixMs: BigInt(host.joinedUnixMs),
          online: entry !== null || elsewhere !== "",
          seenUnixMs: BigInt(entry?.sinceUnixMs ?? sinceUnixMs),
          tunnels: lines.tunnelsOf(host.id).size,
          version: entry?.line.version ?? version,
          from: entry?.line.from ?? from,
          admits: entry?.keyIds.size ?? 0,
          relay: entry ? "" : elsewhere,
        };
      };
      return { hosts: await mapped([...(await book.hosts)], told) };
    },
    operators: () => ({ operators: operatorsOf(relay) }),
    async invite({ fleet, name, ttlMs }) {
      const ms = Number(ttlMs);
      if (!(ms > 0 && ms <= MAX_TOKEN_MS)) throw new HoldError("bad_request", "a token is good for 30 days at most");
      const token = randomBytes(32);
      const until = wallMs() + ms;
      await book.invite(token, { fleet, name, untilUnixMs: until }, wallMs());
      return { token, untilUnixMs: BigInt(Math.trunc(until)) };
    },
    revoke: ({ what, undo }) => relay.revoke(what, undo),
    limits: (asked) => ({ fleets: limited(relay, asked) }),
    async heads({ host, accept }) {
      const { id } = await hostNamed(relay, host);
      if (accept) await heads.accept(id);
      return headsOnWire(id, await heads.of(id));
    },
  };
}

/** One after the other: a fleet's files are not all opened at once. */
async function mapped<T, R>(all: readonly T[], of: (each: T) => Promise<R>): Promise<R[]> {
  const made: R[] = [];
  for (const each of all) made.push(await of(each));
  return made;
}

async function hostNamed({ book }: Relay, name: string): Promise<BookedHost> {
  const found = [...(await book.hosts)].filter((h) => h.id === name || h.name === name || `${h.fleet}/${h.name}` === name);
  if (found.length === 1) return found[0]!;
  throw new HoldError(
    "bad_request",
    found.length === 0
      ? `${JSON.stringify(name)} is no host of this relay; hold relay hosts shows them`
      : `${name} may be ${found.map((h) => `${h.fleet}/${h.name}`).join(" or ")}; say which`,
  );
}

/** Sets what is asked for, and tells of that fleet, or of all. */
function limited({ quotas }: Relay, asked: RelayLimitsRequest): Init<RelayFleet>[] {
  const { fleet, hosts, tunnels, bytesPerSecond, usual } = asked;
  const set = {
    ...(hosts === undefined ? {} : { hosts }),
    ...(tunnels === undefined ? {} : { tunnels }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond: Number(bytesPerSecond) }),
  };
  const isSet = Object.keys(set).length > 0;
  if (isSet && usual) throw new HoldError("bad_request", "as usual, or with bounds of its own");
  if (isSet || usual) quotas.set(fleet, set);
  return (fleet === "" ? quotas.fleets : [fleet]).map((name) => {
    const { passedBytes, ...used } = quotas.usedBy(name);
    const most = quotas.limitsOf(name);
    return {
      ...{ fleet: name, ...used, passedBytes: BigInt(passedBytes) },
      ...{ mostHosts: most.hosts, mostTunnels: most.tunnels, mostBytesPerSecond: BigInt(most.bytesPerSecond) },
    };
  });
}

/** Keys that some host admits or that were revoked here. */
function operatorsOf({ lines, book }: Relay): Init<RelayOperator>[] {
  const found = new Map<string, { hosts: string[]; tunnels: number }>();
  const of = (keyId: string): { hosts: string[]; tunnels: number } => {
    const known = found.get(keyId) ?? { hosts: [], tunnels: 0 };
    found.set(keyId, known);
    return known;
  };
  for (const { line, keyIds } of lines.entries) for (const keyId of keyIds) of(keyId).hosts.push(line.host.id);
  for (const [, tunnels] of lines.tunnelsByHost)
    for (const { caller } of tunnels) if ("keyId" in caller) of(caller.keyId).tunnels++;
  for (const keyId of book.revokedKeys) of(keyId);
  return [...found].map(([keyId, { hosts, tunnels }]) => ({ keyId, hosts, tunnels, revoked: book.isRevokedKey(keyId) }));
}

/** Listens on `path`, which is in an owner-only folder. */
export async function serveAdmin(relay: Relay, path: string, wallMs: () => number): Promise<{ close(): void }> {
  const server = new Server();
  const answers = answersOf(relay, wallMs);
  const handler =
    <V extends VerbName>(name: V) =>
    (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void => {
      const { asked, answered } = verbs[name] as unknown as VerbOf<Asked<V>, Answered<V>>;
      const asBytes = async (): Promise<Buffer> => {
        const result = await answers[name](fromBinary(asked, call.request));
        return Buffer.from(toBinary(answered, create(answered, result as never)));
      };
      asBytes().then(
        (bytes) => answer(null, bytes),
        (fault: unknown) => {
          const { code, message } = fault instanceof HoldError ? fault : new HoldError("internal", String(fault));
          answer({ code: status.FAILED_PRECONDITION, details: `[${code}] ${message}` });
        },
      );
    };
  server.addService(relayAdminService, {
    hosts: handler("hosts"),
    operators: handler("operators"),
    invite: handler("invite"),
    revoke: handler("revoke"),
    heads: handler("heads"),
    limits: handler("limits"),
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (cause) =>
      cause ? reject(new HoldError("start_failed", `${path} can't be listened on: ${cause.message}`, {}, { cause })) : resolve(),
    ),
  );
  return { close: () => server.forceShutdown() };
}

/** Asks the relay whose socket this is. Throws `unreachable` where none runs. */
export async function askRelay<V extends VerbName>(path: string, name: V, question: Init<Asked<V>>): Promise<Answered<V>> {
  const { asked, answered } = verbs[name] as unknown as VerbOf<Asked<V>, Answered<V>>;
  const client = new Client(`unix:${path}`, credentials.createInsecure());
  const { path: method, requestSerialize, responseDeserialize } = relayAdminService[name];
  const request = Buffer.from(toBinary(asked, create(asked, question as never)));
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method,
        requestSerialize,
        responseDeserialize,
        request,
        { deadline: Date.now() + ASK_MS },
        (fault, bytes) => (fault ? reject(faultOf(fault)) : resolve(fromBinary(answered, bytes!))),
      );
    });
  } finally {
    client.close();
  }
}

function faultOf(fault: ServiceError): HoldError {
  const [, code = "", message = ""] = /^\[(\w+)\] (.*)$/s.exec(fault.details) ?? [];
  if (isCode(code)) return new HoldError(code, message);
  // What the kernel says is inside what gRPC says of it.
  const [, why = fault.details, socket = "here"] = /\b(E[A-Z]+ (\S+?))\.?(?:\s|$)/.exec(fault.details) ?? [];
  return new HoldError(
    "unreachable",
    `no relay runs here (${why}); start one with: hold relay`,
    { relay: socket },
    { cause: fault },
  );
}
