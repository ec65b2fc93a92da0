/*
 * Retained output of one stream.
 *   R1  [start, end) is retained; end - start <= cap; nothing else ever moves start than an acknowledgement.
 *   R2  When the ring is empty it begins again at its first page, so that a quiet session touches one page only.
 *   R3  Each byte has the time of the last mark at or before it: never later than when it was read.
 */
#include "holdfast.h"

void ring_init(struct ring *r, uint64_t cap) {
  memset(r, 0, sizeof *r);
  r->cap = cap;
  r->buf = reserve(cap);
  r->mark_off = reserve(MARKS * sizeof(uint64_t));
  r->mark_t = reserve(MARKS * sizeof(uint64_t));
  r->spacing = MS;
}

uint8_t *ring_room(struct ring *r, size_t *n) {
  uint64_t at = (r->end - r->base) % r->cap, room = r->cap - (r->end - r->start);
  *n = (size_t)(room < r->cap - at ? room : r->cap - at);
  return r->buf + at;
}

void ring_wrote(struct ring *r, size_t n, uint64_t t) {
  if (r->marks == MARKS) { /* thin out: half as many marks, twice as far apart (R3 holds: bytes fall to an earlier mark) */
    for (uint32_t i = 0; i < MARKS / 2; i++) {
      r->mark_off[i] = r->mark_off[2 * i];
      r->mark_t[i] = r->mark_t[2 * i];
    }
    r->marks /= 2;
    r->spacing *= 2;
  }
  if (!r->marks || t - r->mark_t[r->marks - 1] >= r->spacing) {
    r->mark_off[r->marks] = r->end;
    r->mark_t[r->marks++] = t;
  }
  uint64_t top = (r->end - r->base) % r->cap + n;
  if (top > r->touched) r->touched = top;
  r->end += n;
}

int ring_iov(const struct ring *r, uint64_t off, size_t n, struct iovec v[2]) {
  uint64_t at = (off - r->base) % r->cap;
  size_t first = n < r->cap - at ? n : (size_t)(r->cap - at);
  v[0] = (struct iovec){r->buf + at, first};
  v[1] = (struct iovec){r->buf, n - first};
  return first < n ? 2 : 1;
}

uint64_t ring_time(const struct ring *r, uint64_t off, uint64_t *until) {
  uint32_t i = r->marks; /* from the newest: a live reader finds its mark at once */
  *until = r->end;
  while (i && r->mark_off[i - 1] > off) *until = r->mark_off[--i];
  return i ? r->mark_t[i - 1] : 0;
}

void ring_ack(struct ring *r, uint64_t off) {
  uint32_t gone = 0;
  r->start = off;
  if (off == r->end) { /* R2 */
    r->base = off;
    r->marks = 0;
    r->spacing = MS;
    return;
  }
  while (gone + 1 < r->marks && r->mark_off[gone + 1] <= off) gone++;
  if (!gone) return;
  r->marks -= gone;
  memmove(r->mark_off, r->mark_off + gone, r->marks * sizeof *r->mark_off);
  memmove(r->mark_t, r->mark_t + gone, r->marks * sizeof *r->mark_t);
}

/* Gives drained pages back to the system, so that a session which once flooded is as small as one which did not. */
void ring_trim(struct ring *r) {
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), used = r->end - r->start;
  if (!used) {
    madvise(r->buf, r->touched, GIVE_BACK);
    madvise(r->mark_off, MARKS * sizeof(uint64_t), GIVE_BACK);
    madvise(r->mark_t, MARKS * sizeof(uint64_t), GIVE_BACK);
    r->touched = 0;
    return;
  }
  uint64_t end = (r->end - r->base) % r->cap, start = (r->start - r->base) % r->cap;
  uint64_t from = (end + page - 1) / page * page, to = start / page * page; /* whole free pages: [from, to), or around the corner */
  if (end < start || used == r->cap) {
    if (from < to) madvise(r->buf + from, to - from, GIVE_BACK);
  } else {
    if (from < r->cap) madvise(r->buf + from, r->cap - from, GIVE_BACK);
    if (to) madvise(r->buf, to, GIVE_BACK);
  }
}
