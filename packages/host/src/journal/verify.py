#!/usr/bin/env python3
"""Independent verifier of a Holdfast journal, written from docs/journal.md alone; standard library only.

Usage: verify.py FOLDER [LSN:HEXCHAIN]...     (witnessed heads)
Prints one JSON object; exit code 0 if nothing is wrong, 1 otherwise. Signatures are not checked (no Ed25519 in the
standard library): a seal is held against chain, count and header only.
"""
import hashlib, json, os, re, struct, sys, urllib.parse, zlib

RECORD, SEAL, MAX_FRAME = 1, 2, 66204

def u16(b, at): return struct.unpack_from("<H", b, at)[0]
def u32(b, at): return struct.unpack_from("<I", b, at)[0]
def u64(b, at): return struct.unpack_from("<Q", b, at)[0]
def sha(b): return hashlib.sha256(b).digest()

class Journal:
    def __init__(self, folder, witnesses):
        self.folder, self.witnesses = folder, witnesses
        self.findings, self.notes = [], []
        self.seqs, self.superseded = {}, {}
        self.lsn, self.chain, self.pruned_start = 0, bytes(32), False
        self.records = self.redacted = self.pruned = self.missing = 0
        self.erasures, self.dropped, self.removed_at = set(), {}, {}
        self.erased, self.absent, self.broken, self.files, self.headless = [], [], [], {}, set()
    def find(self, kind, file, position, lsn, text):
        self.findings.append({"kind": kind, "file": file, "position": position, "lsn": lsn, "text": text})
    def read(self, name): return open(os.path.join(self.folder, name), "rb").read()
    def run(self):
        through = self.marker()
        names = sorted(n for n in os.listdir(os.path.join(self.folder, "ledger")) if re.fullmatch(r"\d{10}\.seg", n))
        names = [n for n in names if int(n[:10]) > through]
        data = [(n, self.read("ledger/" + n)) for n in names]
        heads = [self.header(b, int(n[:10])) for n, b in data]
        limits, limit = [], 1 << 62
        for h in reversed(heads):
            limits.insert(0, limit)
            if h and h["flags"] & 1: limit = min(limit, h["first"] - 1)
        before = None
        for i, (name, b) in enumerate(data):
            file, h = "ledger/" + name, heads[i]
            if h is None:
                if len(b) >= 192: self.find("segment", file, 0, self.lsn + 1, "the header does not hold")
                continue
            if before and not before[1] and before[0] == h["life"] and not h["flags"] & 2:
                self.find("missing-seal", before[2], 0, self.lsn, "no final seal")
            after = heads[i + 1] if i + 1 < len(heads) else None
            before = (h["life"], self.segment(file, b, h, limits[i], i + 1 == len(data), after), file)
        self.payloads()
        for lsn, _ in self.witnesses:
            if lsn > self.lsn: self.find("truncated", "ledger", 0, self.lsn + 1, f"a witness saw {lsn}")
        return {"ok": not self.findings, "records": self.records, "redacted": self.redacted, "pruned": self.pruned,
                "lsn": self.lsn, "head": self.chain.hex() if self.chain else None, "findings": self.findings, "notes": self.notes}
    def marker(self):
        if not os.path.exists(os.path.join(self.folder, "ledger/pruned")): return 0
        b = self.read("ledger/pruned")
        if len(b) != 136 or b[:8] != b"HFPRUNED" or zlib.crc32(b[:128]) != u32(b, 128):
            self.find("marker", "ledger/pruned", 0, None, "the marker does not hold")
            return 0
        self.lsn, self.chain, self.pruned_start = u64(b, 16), b[32:64], True
        return u32(b, 12)
    def header(self, b, index):
        if len(b) < 192 or b[:8] != b"HFLEDGER" or zlib.crc32(b[:188]) != u32(b, 188) or u32(b, 20) != index: return None
        if u16(b, 8) != 1 or b[12] != 1 or b[13] != 1 or b[14] & ~3: sys.exit(f"segment {index} is of a newer version")
        return {"flags": b[14], "life": u32(b, 16), "first": u64(b, 24), "previous": b[32:64], "seed": zlib.crc32(b[80:88]), "hash": sha(b[:192])}
    def frame(self, b, at, seed):
        """(type, length, end of the chained region), or a string that tells why there is no sound frame."""
        if at + 56 > len(b): return "short"
        length, kind = u32(b, at), b[at + 48]
        if not 56 <= length <= MAX_FRAME: return "length"
        region = length
        if kind == RECORD:
            if length < 136: return "length"
            if at + 136 > len(b): return "short"
            region = 136 + b[at + 51] + b[at + 52] + b[at + 53] + u32(b, at + 100)
            if region + (20 + u32(b, at + 96) if b[at + 49] & 2 else 0) != length: return "length"
        elif kind == SEAL and length != 176: return "length"
        if at + length > len(b): return "short"
        if zlib.crc32(b[at:at + 4] + bytes(4) + b[at + 8:at + region], seed) != u32(b, at + 4): return "crc"
        if kind not in (RECORD, SEAL) and kind & 0x80: sys.exit(f"unknown critical frame {kind}")
        return kind, length, region
    def segment(self, file, b, h, limit, is_last, after):
        if h["first"] > self.lsn + 1: self.lose(file, 24, h["first"] - 1)
        elif h["first"] <= self.lsn: self.find("segment", file, 24, h["first"], "an earlier segment holds these records")
        elif self.chain is not None and self.chain != h["previous"]:
            self.find("chain", file, 32, h["first"], "does not join")
            self.chain = None
        self.chain = self.chain or h["previous"]
        at, count, seals, sealed, hurt, damaged = 192, 0, 0, False, False, False
        while at < len(b):
            f = self.frame(b, at, h["seed"])
            if isinstance(f, str):
                to = next((q for q in range(at + 1, len(b) - 55) if b[q + 3] == 0 and b[q + 48] in (RECORD, SEAL) and not isinstance(self.frame(b, q, h["seed"]), str)), None)
                over = self.lsn >= limit
                if to is None:
                    if over or (after and after["flags"] & 2) or (is_last and not sealed and (f == "short" or not any(b[at:]))):
                        self.notes.append(f"{file} ends in an unfinished frame at {at}")
                    else: sealed = not self.find("damaged", file, at, self.lsn + 1, f)
                    break
                hurt = True
                if not over:
                    self.find("damaged", file, at, self.lsn + 1, f)
                    self.chain, damaged = None, True
                at = to
                continue
            kind, length, region = f
            if kind == RECORD and u64(b, at + 56) > limit: self.superseded[u64(b, at + 56)] = b[at + 16:at + 48]
            elif kind == RECORD:
                if sealed: self.find("segment", file, at, u64(b, at + 56), "a record after the final seal")
                count += 1
                hurt |= not self.record(file, b, at, region, damaged, h["seed"])
                damaged = False
            elif kind == SEAL:
                seals += 1
                if u64(b, at + 56) <= limit:
                    sealed |= self.seal(file, b, at, h, None if hurt else count, seals, damaged) and bool(b[at + 49] & 1)
                    damaged = False
            at += length
        return sealed
    def lose(self, file, at, to):
        self.find("missing", file, at, self.lsn + 1, f"records {self.lsn + 1} to {to} are missing")
        self.missing += to - self.lsn
        self.lsn, self.chain = to, None
    def record(self, file, b, at, region, damaged, seed):
        lsn, seq, size, flags = u64(b, at + 56), u64(b, at + 64), u32(b, at + 96), b[at + 49]
        s, a, v = at + 136, at + 136 + b[at + 51], at + 136 + b[at + 51] + b[at + 52]
        session = b[s:a].decode()
        if lsn <= self.lsn:
            self.find("doubled", file, at, lsn, "not in order, or there twice")
            return False
        if lsn > self.lsn + 1:
            if damaged: self.missing += lsn - self.lsn - 1
            else: self.lose(file, at, lsn - 1)
        self.lsn, self.records = lsn, self.records + 1
        chain = b[at + 16:at + 48]
        if self.chain is not None and sha(self.chain + b[at + 48:at + region]) != chain: self.find("chain", file, at, lsn, "does not follow")
        if self.superseded.pop(lsn, chain) != chain: self.find("chain", file, at, lsn, "differs from the record it replaces")
        self.chain = chain
        expected = self.seqs.get(session, seq - 1 if self.pruned_start else 0) + 1
        self.seqs[session] = max(seq, expected - 1)
        if seq < expected or seq - expected > self.missing: self.find("out-of-order", file, at, lsn, f"seq {seq} where {expected} belongs")
        for w, head in self.witnesses:
            if w == lsn and head != chain: self.find("chain", file, at, lsn, "a witness holds another head")
        if flags & 4: self.own(lsn, json.loads(b[v + b[at + 53]:at + region]))
        if size == 0: return True
        place = (file, at + region, lsn, session, seq)
        if flags & 2:
            part = b[at + region:at + region + 20 + size]
            if not any(part): self.erased.append(place)
            elif zlib.crc32(part[4:], zlib.crc32(b[at + 56:at + 64], seed)) != u32(part, 0) or sha(part[4:]) != b[at + 104:at + 136]: self.broken.append(place)
        else: self.payload(session, seq, lsn, u32(b, at + 8), u32(b, at + 12), size, b[at + 104:at + 136])
        return True
    def own(self, lsn, e):
        if e["type"] == "erased": self.erasures |= {(e["session"], q) for q in e["seqs"]}
        if e["type"] in ("pruned-payload", "removed"): self.dropped[e["session"]] = max(self.dropped.get(e["session"], 0), e["throughFile"])
        if e["type"] == "removed": self.removed_at[e["session"]] = lsn
    def payload(self, session, seq, lsn, no, at, size, commitment):
        if not self.files:
            for n in os.listdir(os.path.join(self.folder, "payload")):
                m = re.fullmatch(r"([A-Za-z0-9_%-]+)\.(\d+)\.(\d+)\.pay", n)
                if m: self.files[(urllib.parse.unquote(m[1]), int(m[2]))] = "payload/" + n
        name = self.files.get((session, no))
        if name is None: return self.absent.append((f"payload/{session}.{no}", at, lsn, session, no))
        b = self.cache if getattr(self, "cached", None) == name else self.read(name)
        self.cached, self.cache = name, b
        place = (name, at, lsn, session, seq)
        if len(b) < 128 or b[:8] != b"HFPAYLOD" or zlib.crc32(b[:124]) != u32(b, 124):
            return name in self.headless or self.headless.add(name) or self.broken.append((name, 0, lsn, session, seq))
        f = b[at:at + 32 + size]
        if len(f) < 32 + size or u32(f, 0) != size or u64(f, 8) != seq: self.broken.append(place)
        elif not any(f[4:8]) and not any(f[16:]): self.erased.append(place)
        elif zlib.crc32(f[:4] + f[8:], zlib.crc32(b[32:40])) != u32(f, 4) or sha(f[16:]) != commitment: self.broken.append(place)
    def payloads(self):
        known = lambda p: (p[3], p[4]) in self.erasures or p[2] < self.removed_at.get(p[3], 0)
        for p in self.broken:
            if known(p): self.notes.append(f"an erasure at {p[0]} {p[1]} was cut short")
            else: self.find("payload", p[0], p[1], p[2], "the payload does not hold")
        for p in self.erased:
            if known(p): self.redacted += 1
            else: self.find("unexplained-erasure", p[0], p[1], p[2], "erased, and no record says so")
        for p in self.absent:
            if p[4] <= self.dropped.get(p[3], 0): self.pruned += 1
            else: self.find("payload", p[0], p[1], p[2], "the payload file is missing")
    def seal(self, file, b, at, h, count, seals, damaged):
        lsn, head = u64(b, at + 56), b[at + 16:at + 48]
        if b[at + 72:at + 104] != h["hash"]: return self.find("seal", file, at, lsn, "of another header") or False
        if lsn > self.lsn:
            self.missing += (lsn - self.lsn) if damaged else self.lose(file, at, lsn) or 0
            self.lsn, self.chain = lsn, head
            return True
        if self.chain is not None and head != self.chain: return self.find("seal", file, at, lsn, "another chain was signed") or False
        if count is not None and u32(b, at + 12) != count: return self.find("seal", file, at, lsn, "another count was signed") or False
        self.chain = self.chain or head
        if count is not None and u32(b, at + 8) != seals: self.find("missing-seal", file, at, lsn, "a seal is missing")
        return True

if __name__ == "__main__":
    report = Journal(sys.argv[1], [(int(w.split(":")[0]), bytes.fromhex(w.split(":")[1])) for w in sys.argv[2:]]).run()
    print(json.dumps(report))
    sys.exit(0 if report["ok"] else 1)
