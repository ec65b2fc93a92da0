/*
 * Input: a bounded queue of whole frames, written to the program in order.
 *   I1  One result for each numbered command. Accepted input is kept in `results` until acknowledged; it is accepted only while
 *       there is room for that. A refusal is kept if there is room: a seq without a result never reached the program.
 *   I2  A frame is begun only when the one before is over (written, void or cut): no frame is split by another.
 *   I3  In canonical mode no frame is begun that would make a line longer than the tty keeps (it drops the rest silently).
 */
#include "shim.h"

#ifdef __APPLE__
enum { LINE_MAX_BYTES = 1023 };
#else
enum { LINE_MAX_BYTES = 4095 };
#endif
enum { RETRY_MIN = 1 * MS, RETRY_MAX = 256 * MS };

void settle(uint64_t seq, int status, int refusal, uint32_t bytes, bool secret) {
  int s = S.pty ? 0 : 1;
  struct result r = {seq, S.ring[s].end, now_ns(), bytes, (uint8_t)status, (uint8_t)refusal, secret};
  if (seq > S.applied) S.applied = seq;
  if (S.results_len < RESULTS) S.results[S.results_len++] = r;
  else link_result_unkept(&r);
}

void refuse(uint64_t seq, int refusal) {
  if (S.results_len + S.queue_len < RESULTS) settle(seq, ST_REFUSED, refusal, 0, false);
  else { /* the rest of the table is promised to frames that already wait */
    struct result r = {seq, S.ring[S.pty ? 0 : 1].end, now_ns(), 0, ST_REFUSED, (uint8_t)refusal, 0};
    if (seq > S.applied) S.applied = seq;
    link_result_unkept(&r);
  }
}

uint32_t input_waiting(void) {
  int n = 0, fd = S.held[0];
  if (fd < 0 || ioctl(fd, FIONREAD, &n) < 0 || n < 0) return 0;
  return (uint32_t)n;
}

void input_enqueue(uint64_t seq, uint32_t tag, int kind, const uint8_t *p, uint32_t n) {
  if (S.phase != PH_RUNNING || S.reaped || S.in_fd < 0) return refuse(seq, RF_EXITED);
  uint32_t waiting = S.queue_to - S.queue_from;
  if (S.queue_len == QUEUE || S.results_len + S.queue_len >= RESULTS || n > S.spec.input - waiting) return refuse(seq, RF_QUEUE_FULL);
  if (n > S.queue_cap - S.queue_to) {
    memmove(S.queue_bytes, S.queue_bytes + S.queue_from, waiting);
    S.queue_from = 0;
    S.queue_to = waiting;
  }
  memcpy(S.queue_bytes + S.queue_to, p, n);
  S.queue_to += n;
  if (S.queue_to > S.queued_hw) S.queued_hw = S.queue_to;
  S.queue[S.queue_len++] = (struct entry){.seq = seq, .tag = tag, .len = n, .kind = (uint8_t)kind};
}

static void pop(void) {
  struct entry *e = &S.queue[0];
  S.queue_from += e->len - e->written; /* what was written has moved `queue_from` already */
  memmove(S.queue, S.queue + 1, --S.queue_len * sizeof *S.queue);
  if (!S.queue_len) S.queue_from = S.queue_to = 0;
}

/*
 * Follows what the tty makes of bytes, as far as it matters for the length of the unfinished line; false if it grows past
 * the limit. Where the tty may remove more than we know (word erase, multi-byte erase) the length is kept too high, never
 * too low: the error is a refusal, never a silent loss.
 */
static bool line_follow(const struct termios *t, const uint8_t *p, size_t n) {
  if (!(t->c_lflag & ICANON)) return S.line_len = 0, S.line_lnext = false, true; /* a switch of mode ends the line */
#define IS(c, slot) (t->c_cc[slot] != _POSIX_VDISABLE && (c) == t->c_cc[slot])
  for (size_t i = 0; i < n; i++) {
    uint8_t c = t->c_iflag & ISTRIP ? p[i] & 0x7f : p[i];
    if (S.line_lnext) S.line_lnext = false;
    else if ((t->c_lflag & ISIG) && (IS(c, VINTR) || IS(c, VQUIT) || IS(c, VSUSP))) {
      if (!(t->c_lflag & NOFLSH)) S.line_len = 0;
      continue;
    } else {
      if (c == '\r' && (t->c_iflag & IGNCR)) continue;
      if (c == '\r' && (t->c_iflag & ICRNL)) c = '\n';
      else if (c == '\n' && (t->c_iflag & INLCR)) c = '\r';
      if (c == '\n' || IS(c, VEOF) || IS(c, VEOL) || IS(c, VEOL2) || IS(c, VKILL)) { S.line_len = 0; continue; }
      if (IS(c, VERASE)) { if (S.line_len) S.line_len--; continue; }
      if ((t->c_lflag & IEXTEN) && IS(c, VLNEXT)) { S.line_lnext = true; continue; }
    }
    if (++S.line_len > LINE_MAX_BYTES) return false;
  }
#undef IS
  return true;
}

static bool line_fits(const struct termios *t, const uint8_t *p, size_t n) { /* asks without committing */
  uint32_t len = S.line_len;
  bool lnext = S.line_lnext, fits = line_follow(t, p, n);
  S.line_len = len;
  S.line_lnext = lnext;
  return fits;
}

static void eof_now(void) {
  close(S.in_fd);
  S.in_fd = -1;
  S.eof_done = true;
}

/*
 * Writes as much as the program's side takes. A PTY master may report POLLOUT and still answer EAGAIN, and may forget to
 * report it; so a wake-up without progress turns POLLOUT off until a timer (doubling, 1 to 256 ms) has tried again.
 */
void input_pump(bool woken_by_poll) {
  bool progress = false;
  while (S.queue_len && S.in_fd >= 0) {
    struct entry *e = &S.queue[0];
    const uint8_t *p = S.queue_bytes + S.queue_from;
    if (e->kind == Q_EOF) {
      eof_now();
      settle(e->seq, ST_APPLIED, RF_NONE, 0, false);
      pop();
      continue;
    }
    struct termios t;
    bool known = S.pty && tcgetattr(S.in_fd, &t) == 0;
    if (S.pty && (!known || ((t.c_lflag & ICANON) && !(t.c_lflag & ECHO)))) e->secret = 1;
    if (known && !e->written && !line_fits(&t, p, e->len)) { /* I3 */
      settle(e->seq, ST_REFUSED, RF_LINE_TOO_LONG, 0, false);
      pop();
      continue;
    }
    ssize_t n = e->len ? write(S.in_fd, p, e->len - e->written) : 0;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) {
      bool gone = errno == EPIPE || errno == EIO;
      settle(e->seq, e->written ? ST_CUT : ST_REFUSED, gone ? RF_EXITED : RF_IO_ERROR, e->written, e->secret);
      pop();
      continue;
    }
    if (n > 0) {
      if (known) line_follow(&t, p, (size_t)n);
      e->written += (uint32_t)n;
      S.queue_from += (uint32_t)n;
      progress = true;
    }
    if (e->written == e->len) {
      settle(e->seq, ST_APPLIED, RF_NONE, e->len, e->secret);
      pop();
    } else if (n <= 0) { /* full. (A short write is tried again at once: it may have been the tty's chunk.) */
      if (progress) S.retry_ns = RETRY_MIN;
      else if (S.retry_ns < RETRY_MAX) S.retry_ns *= 2;
      S.poll_out = progress || !woken_by_poll;
      S.retry_at = now_ns() + S.retry_ns;
      S.input_blocked = true;
      return;
    }
  }
  S.input_blocked = false;
  S.retry_at = 0;
  S.retry_ns = RETRY_MIN;
}

void input_drop(uint32_t tag, int refusal) {
  uint32_t kept = 0, to = S.queue_from, from = S.queue_from;
  for (uint32_t i = 0; i < S.queue_len; i++) {
    struct entry e = S.queue[i];
    uint32_t left = e.len - e.written;
    if (tag == 0 || e.tag == tag) settle(e.seq, e.written ? ST_CUT : ST_VOID, refusal, e.written, e.secret);
    else {
      memmove(S.queue_bytes + to, S.queue_bytes + from, left);
      to += left;
      S.queue[kept++] = e;
    }
    from += left;
  }
  S.queue_len = kept;
  S.queue_to = to;
  if (!kept) S.queue_from = S.queue_to = 0, S.input_blocked = false, S.retry_at = 0, S.retry_ns = RETRY_MIN;
}

/*
 * A key that interrupts goes beside the queue: nothing that waits may reach the program before it, nor after it. With the
 * terminal's own key the kernel's queue goes too (as the tty itself does for ISIG without NOFLSH), and then the signal is
 * sent directly, because a full queue answers the byte with EAGAIN. With an empty queue the byte is written, so that the
 * tty echoes ^C as always.
 */
void input_interrupt(uint64_t seq, int key, uint8_t byte) {
  static const int slot[3] = {VINTR, VQUIT, VSUSP}, signo[3] = {SIGINT, SIGQUIT, SIGTSTP};
  if (!S.pty || key > 2) return refuse(seq, RF_BAD_REQUEST);
  if (S.phase != PH_RUNNING || S.reaped) return refuse(seq, RF_EXITED);
  bool blocked = S.input_blocked;
  input_drop(0, RF_NONE);
  struct termios t;
  bool own = tcgetattr(S.in_fd, &t) == 0 && (t.c_lflag & ISIG) && byte != _POSIX_VDISABLE && t.c_cc[slot[key]] == byte;
  if (own && (blocked || input_waiting())) {
    if (!(t.c_lflag & NOFLSH)) {
      tcflush(S.in_fd, TCOFLUSH);  /* what the master has handed over and the line discipline has not yet taken */
      tcflush(S.held[0], TCIFLUSH); /* what the line discipline holds for the program */
      S.line_len = 0;
    }
#ifdef TIOCSIG
    if (ioctl(S.in_fd, TIOCSIG, signo[key]) == 0) return settle(seq, ST_APPLIED, RF_NONE, 0, false);
#endif
    pid_t group = tcgetpgrp(S.in_fd);
    if (group > 1 && kill(-group, signo[key]) == 0) return settle(seq, ST_APPLIED, RF_NONE, 0, false);
  }
  input_enqueue(seq, 0, Q_INPUT, &byte, 1);
  input_pump(false);
}
