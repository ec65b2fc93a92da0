/*
 * The socket's side: frames in, frames out (docs/shim-protocol.md).
 *   F1  Nothing but HELLO is heard on a new connection; a valid HELLO makes it the link and fences the older one.
 *   F2  A malformed frame ends its connection and has no effect.
 *   F3  EXITED is sent after every byte that the leader wrote, CLOSED after every byte of its stream.
 *   F4  Control frames overtake output that is not yet begun; a begun frame is always finished first.
 */
#include "shim.h"

static void put_frame(struct conn *c, uint8_t type, uint8_t flags, const void *body, uint32_t n) {
  if (c->out_len + HEADER + n > OUT_BUF) return; /* cannot happen: reading stops at OUT_SOFT, and no answer is this long */
  put_header(c->out + c->out_len, n, type, flags);
  if (n) memcpy(c->out + c->out_len + HEADER, body, n);
  c->out_len += HEADER + n;
  if (c->out_len > c->out_hw) c->out_hw = c->out_len;
}

void link_frame(uint8_t type, const uint8_t *body, uint32_t n) {
  if (S.link) put_frame(S.link, type, 0, body, n);
}

static void put_result(struct conn *c, const struct result *r) {
  uint8_t b[32];
  put64(b, r->seq), put64(b + 8, r->offset), put64(b + 16, r->time), put32(b + 24, r->bytes);
  b[28] = r->status, b[29] = r->refusal, b[30] = r->secret, b[31] = 0;
  put_frame(c, T_RESULT, 0, b, sizeof b);
}

static void put_results(struct conn *c) {
  while (c->results_sent < S.results_len && c->out_len < OUT_SOFT) put_result(c, &S.results[c->results_sent++]);
}

void link_result_unkept(const struct result *r) {
  if (!S.link) return;
  put_results(S.link); /* those that came before, first */
  put_result(S.link, r);
}

void conn_close(struct conn *c) {
  if (c->fd >= 0) close(c->fd);
  if (S.link == c) S.link = NULL;
  uint8_t *in = c->in, *out = c->out;
  uint32_t in_hw = c->in_hw, out_hw = c->out_hw;
  *c = (struct conn){.fd = -1, .in = in, .out = out, .in_hw = in_hw, .out_hw = out_hw};
  trim_soon();
}

/* Sends what is left of the frame under way, then the frame of farewell, then closes. The ring may move on meanwhile. */
static void conn_farewell(struct conn *c, uint8_t type, const void *body, uint32_t n) {
  if (S.link == c) S.link = NULL;
  c->dying = true;
  c->deadline = now_ns() + 2000 * MS;
  if (c->head_len && !c->head_sent) c->head_len = c->body_left = 0; /* not begun: it need not be sent */
  uint32_t rest = c->head_len - c->head_sent + c->body_left;
  if (rest) {
    memmove(c->out + rest, c->out, c->out_len);
    memcpy(c->out, c->head + c->head_sent, c->head_len - c->head_sent);
    struct iovec v[2];
    if (c->body_left) {
      uint32_t at = c->head_len - c->head_sent;
      int k = ring_iov(&S.ring[c->stream], c->body_off, c->body_left, v);
      for (int i = 0; i < k; at += (uint32_t)v[i].iov_len, i++) memcpy(c->out + at, v[i].iov_base, v[i].iov_len);
    }
    c->out_len += rest;
    if (c->out_len > c->out_hw) c->out_hw = c->out_len;
    c->head_len = c->head_sent = c->body_left = 0;
  }
  put_frame(c, type, 0, body, n);
  conn_flush(c);
}

static void conn_error(struct conn *c, uint16_t code, const char *text) {
  uint8_t b[128] = {0};
  size_t n = strlen(text);
  put16(b, code);
  memcpy(b + 4, text, n);
  conn_farewell(c, T_ERROR, b, (uint32_t)(4 + n));
}

void conn_open(int fd) {
  struct conn *c = NULL;
  for (int i = 0; i < CONNS && !c; i++)
    if (S.conn[i].fd < 0) c = &S.conn[i];
  for (int i = 0; i < CONNS && !c; i++) /* full: whoever has not said HELLO yet, or is being dismissed, gives way */
    if (&S.conn[i] != S.link) conn_close(c = &S.conn[i]);
  c->fd = fd;
  c->deadline = now_ns() + 5000 * MS;
}

static void put_welcome(struct conn *c) {
  uint8_t b[72 + 3 * 24] = {0};
  uint32_t streams = 0;
  put16(b, PROTOCOL_MAX);
  b[2] = (uint8_t)S.spec.mode, b[3] = (uint8_t)S.phase;
  put32(b + 4, 0); /* features: none defined in version 1 */
  put32(b + 8, (uint32_t)getpid()), put32(b + 12, (uint32_t)S.pid), put64(b + 16, S.pid_start);
  put16(b + 24, S.cols), put16(b + 26, S.rows), put32(b + 28, (uint32_t)S.failure.err);
  memcpy(b + 32, S.failure.step, 16);
  put64(b + 48, S.received), put64(b + 56, S.applied);
  for (int i = 0; i < 3; i++) {
    if (!S.has[i]) continue;
    uint8_t *s = b + 72 + 24 * streams++;
    put32(s, (uint32_t)i), put64(s + 8, S.ring[i].start), put64(s + 16, S.ring[i].end);
  }
  put32(b + 64, streams);
  put_frame(c, T_WELCOME, 0, b, 72 + 24 * streams);
}

static bool ack_stream(uint32_t stream, uint64_t off, bool check_only) {
  if (stream > 2 || !S.has[stream] || off > S.ring[stream].end) return false;
  if (!check_only && off > S.ring[stream].start) ring_ack(&S.ring[stream], off);
  return true;
}

static void conn_hello(struct conn *c, const uint8_t *b, uint32_t n) {
  if (n < 16 || get32(b) != HELLO_MAGIC || n != 16 + 16 * get32(b + 12) || get32(b + 12) > 3) return conn_error(c, ERR_BAD_FRAME, "bad HELLO");
  if (get16(b + 4) > PROTOCOL_MAX || get16(b + 6) < PROTOCOL_MIN) return conn_error(c, ERR_VERSION, "this shim speaks protocol 1 only");
  uint32_t k = get32(b + 12);
  for (uint32_t i = 0; i < k; i++)
    if (!ack_stream(get32(b + 16 + 16 * i), get64(b + 24 + 16 * i), true)) return conn_error(c, ERR_BAD_OFFSET, "HELLO names output that was never written");
  for (uint32_t i = 0; i < k; i++) ack_stream(get32(b + 16 + 16 * i), get64(b + 24 + 16 * i), false);
  if (S.link) conn_farewell(S.link, T_FENCED, NULL, 0);
  S.link = c;
  c->greeted = true;
  c->deadline = 0;
  for (int i = 0; i < 3; i++) c->sent[i] = S.ring[i].start;
  c->exit_sent = S.exit_acked;
  put_welcome(c);
  trim_soon();
}

static bool conn_ack(struct conn *c, const uint8_t *b, uint32_t n) {
  if (n < 16 || n != 16 + 16 * get32(b + 4) || get32(b + 4) > 3 || (get32(b) & ~3u)) return false;
  uint32_t k = get32(b + 4);
  for (uint32_t i = 0; i < k; i++) {
    uint32_t s = get32(b + 16 + 16 * i);
    uint64_t off = get64(b + 24 + 16 * i);
    if (!ack_stream(s, off, true) || off > c->sent[s]) return false; /* also keeps the frame under way in the ring */
    if (c->head_len && c->stream == (int)s && off > c->body_off) return false;
  }
  for (uint32_t i = 0; i < k; i++) ack_stream(get32(b + 16 + 16 * i), get64(b + 24 + 16 * i), false);
  if (get32(b) & 1) {
    uint64_t seq = get64(b + 8);
    uint32_t kept = 0, sent = c->results_sent;
    for (uint32_t i = 0; i < S.results_len; i++)
      if (i < c->results_sent && S.results[i].seq <= seq) sent--; /* what has not been sent cannot have been settled */
      else S.results[kept++] = S.results[i];
    S.results_len = kept;
    c->results_sent = sent;
  }
  if ((get32(b) & 2) && c->exit_sent) S.exit_acked = true;
  trim_soon();
  return true;
}

static void probe(struct conn *c, uint32_t token) {
  enum { MOST = 32, EACH = 72 };
  uint8_t b[32 + MOST * EACH] = {0};
  struct termios t;
  bool known = S.pty && tcgetattr(S.in_fd, &t) == 0;
  pid_t group = S.pty ? tcgetpgrp(S.in_fd) : 0;
  uint32_t count = 0;
  if (group < 0) group = 0;
  put32(b, token);
  if (known) put32(b + 4, (t.c_lflag & ICANON ? 1u : 0) | (t.c_lflag & ECHO ? 2u : 0) | (t.c_lflag & ISIG ? 4u : 0));
  put32(b + 8, (uint32_t)group), put32(b + 12, S.reaped ? 0 : (uint32_t)S.pid);
  put32(b + 16, input_waiting()), put32(b + 20, S.queue_to - S.queue_from);
  int n = group ? tree_list() : 0;
  for (int i = 0; i < n && count < MOST; i++) {
    if (tree[i].pgrp != group) continue;
    uint8_t *e = b + 32 + EACH * count++;
    char wchan[32];
    int32_t call;
    uint64_t arg;
    proc_waits(tree[i].pid, wchan, &call, &arg);
    put32(e, (uint32_t)tree[i].pid), put32(e + 4, (uint32_t)call), put64(e + 8, arg);
    e[16] = (uint8_t)tree[i].state;
    memcpy(e + 24, tree[i].comm, 16), memcpy(e + 40, wchan, 32);
  }
  put32(b + 24, count);
  put_results(c);
  put_frame(c, T_PROBED, 0, b, 32 + EACH * count);
}

static void do_resize(uint64_t seq, const uint8_t *b) {
  struct winsize w = {.ws_col = get16(b), .ws_row = get16(b + 2), .ws_xpixel = get16(b + 4), .ws_ypixel = get16(b + 6)};
  if (!S.pty || !w.ws_col || !w.ws_row) return refuse(seq, RF_BAD_REQUEST);
  if (S.phase != PH_RUNNING || S.reaped) return refuse(seq, RF_EXITED);
  if (ioctl(S.in_fd, TIOCSWINSZ, &w) < 0) return refuse(seq, RF_IO_ERROR);
  S.cols = w.ws_col, S.rows = w.ws_row;
  settle(seq, ST_APPLIED, RF_NONE, 0, false);
}

static void do_signal(uint64_t seq, uint8_t target, uint8_t signo) {
  if (target > 2 || signo < 1 || signo >= NSIG) return refuse(seq, RF_BAD_REQUEST);
  if (target != 2 && (S.phase != PH_RUNNING || S.reaped)) return refuse(seq, RF_EXITED);
  int one = signo, r = 0;
  pid_t group = target == 1 ? (S.pty ? tcgetpgrp(S.in_fd) : S.pid) : 0;
  if (target == 0) r = kill(S.pid, signo);
  else if (target == 1) r = group > 1 ? kill(-group, signo) : (errno = ESRCH, -1);
  else if (!tree_signal(&one, 1)) return refuse(seq, RF_EXITED);
  if (r < 0) return refuse(seq, errno == ESRCH ? RF_EXITED : RF_IO_ERROR);
  settle(seq, ST_APPLIED, RF_NONE, 0, false);
}

/* One whole frame. False: malformed (F2). Lengths and ranges are checked before anything is done. */
static bool conn_frame(struct conn *c, uint8_t type, const uint8_t *b, uint32_t n) {
  bool numbered = type == T_INPUT || type == T_INTERRUPT || type == T_RESIZE || type == T_SIGNAL || type == T_EOF || type == T_RESPAWN;
  uint64_t seq = numbered && n >= 8 ? get64(b) : 0;
  switch (type) { /* shape */
    case T_INPUT: if (n < 16 || get32(b + 12)) return false; break;
    case T_INTERRUPT: case T_SIGNAL: if (n != 16 || get16(b + 10) || get32(b + 12)) return false; break;
    case T_RESIZE: if (n != 16) return false; break;
    case T_EOF: if (n != 8) return false; break;
    case T_RESPAWN: if (n < 10 || n >= 8 + PATH_MAX || b[8] != '/' || memchr(b + 8, 0, n - 8)) return false; break;
    case T_CANCEL: case T_PROBE: case T_END_TREE: if (n != 4) return false; break;
    case T_RELEASE: if (n) return false; break;
    case T_ACK: return conn_ack(c, b, n);
    default: return false;
  }
  if (numbered && (seq == 0 || seq >> 63)) return false;
  if (numbered && seq <= S.received) { /* not kept: the one that came first has the result of this number */
    struct result r = {seq, S.ring[S.pty ? 0 : 1].end, now_ns(), 0, ST_REFUSED, RF_STALE_SEQ, 0};
    link_result_unkept(&r);
    return true;
  }
  if (numbered) S.received = seq;
  int living;
  uint8_t four[4];
  char path[PATH_MAX + 1];
  switch (type) {
    case T_INPUT:
      input_enqueue(seq, get32(b + 8), Q_INPUT, b + 16, n - 16);
      if (!S.input_blocked) input_pump(false);
      break;
    case T_INTERRUPT: input_interrupt(seq, b[8], b[9]); break;
    case T_RESIZE: do_resize(seq, b + 8); break;
    case T_SIGNAL: do_signal(seq, b[8], b[9]); break;
    case T_EOF:
      if (S.pty) { refuse(seq, RF_BAD_REQUEST); break; }
      input_enqueue(seq, 0, Q_EOF, b, 0);
      input_pump(false);
      break;
    case T_RESPAWN:
      memcpy(path, b + 8, n - 8);
      path[n - 8] = 0;
      if (respawn(path) < 0) refuse(seq, RF_BAD_REQUEST);
      else settle(seq, ST_APPLIED, RF_NONE, 0, false);
      break;
    case T_CANCEL:
      input_drop(get32(b), RF_NONE);
      input_pump(false); /* what stood behind a dropped frame may go now */
      break;
    case T_PROBE: probe(c, get32(b)); break;
    case T_END_TREE: end_tree(get32(b)); break;
    case T_RELEASE:
      if (release(&living)) conn_farewell(c, T_RELEASED, NULL, 0);
      else put32(four, (uint32_t)living), put_frame(c, T_REFUSED, 0, four, 4);
      break;
  }
  return true;
}

bool conn_wants_read(const struct conn *c) { return c->fd >= 0 && (c->said_all || (!c->dying && c->out_len < OUT_SOFT)); }

void conn_read(struct conn *c) {
  if (c->dying) c->in_len = 0;
  ssize_t got = read(c->fd, c->in + c->in_len, IN_BUF - c->in_len);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return conn_close(c);
  c->in_len += (uint32_t)got;
  if (c->in_len > c->in_hw) c->in_hw = c->in_len;
  if (c->dying) return;
  uint32_t at = 0;
  while (c->in_len - at >= HEADER && !c->dying && conn_wants_read(c)) {
    const uint8_t *h = c->in + at;
    uint32_t n = get32(h), most = h[4] == T_INPUT ? 16 + MAX_PAYLOAD : 8 + PATH_MAX;
    if (n > most || h[5] || get16(h + 6)) return conn_error(c, ERR_BAD_FRAME, "bad header");
    if (c->in_len - at < HEADER + n) break;
    at += HEADER + n;
    if (!c->greeted && h[4] != T_HELLO) return conn_error(c, ERR_BAD_FRAME, "HELLO comes first");
    if (!c->greeted) conn_hello(c, h + HEADER, n);
    else if (!conn_frame(c, h[4], h + HEADER, n)) return conn_error(c, ERR_BAD_FRAME, "bad frame");
  }
  if (c->fd < 0 || c->dying) return;
  if (at) memmove(c->in, c->in + at, c->in_len -= at);
}

/* Puts the next output frame into `head`; streams take turns. A frame does not cross a time mark. */
static bool next_output(struct conn *c) {
  for (int k = 0; k < 3; k++) {
    int s = (c->turn + k) % 3;
    struct ring *r = &S.ring[s];
    if (!S.has[s] || c->sent[s] >= r->end) continue;
    uint64_t until, t = ring_time(r, c->sent[s], &until), n = until - c->sent[s];
    if (n > MAX_PAYLOAD) n = MAX_PAYLOAD;
    put_header(c->head, (uint32_t)(16 + n), T_OUTPUT, (uint8_t)s);
    put64(c->head + HEADER, c->sent[s]), put64(c->head + HEADER + 8, t);
    c->head_len = sizeof c->head, c->head_sent = 0;
    c->stream = s, c->body_off = c->sent[s], c->body_left = (uint32_t)n;
    c->turn = (s + 1) % 3;
    return true;
  }
  return false;
}

static void put_ends(struct conn *c) { /* F3 */
  for (int i = 0; i < 3; i++)
    if (S.settled && c->sent[i] < S.exit_end[i]) return;
  if (S.settled && !c->exit_sent) {
    uint8_t b[56] = {0};
    int st = S.exit_status;
    put32(b, (uint32_t)(WIFEXITED(st) ? WEXITSTATUS(st) : -1)), put32(b + 4, WIFSIGNALED(st) ? (uint32_t)WTERMSIG(st) : 0);
#ifdef WCOREDUMP
    put32(b + 8, WIFSIGNALED(st) && WCOREDUMP(st));
#endif
    put64(b + 16, (uint64_t)S.usage.ru_utime.tv_sec * 1000000 + (uint64_t)S.usage.ru_utime.tv_usec);
    put64(b + 24, (uint64_t)S.usage.ru_stime.tv_sec * 1000000 + (uint64_t)S.usage.ru_stime.tv_usec);
#ifdef __APPLE__
    put64(b + 32, (uint64_t)S.usage.ru_maxrss / 1024);
#else
    put64(b + 32, (uint64_t)S.usage.ru_maxrss);
#endif
    put64(b + 40, S.exit_time), put64(b + 48, S.exit_wall);
    put_frame(c, T_EXITED, 0, b, sizeof b);
    c->exit_sent = true;
  }
  for (int i = 0; i < 3; i++) {
    if (!S.has[i] || !S.closed[i] || c->closed_sent[i] || c->sent[i] < S.ring[i].end || !S.settled) continue;
    uint8_t b[8];
    put64(b, S.ring[i].end);
    put_frame(c, T_CLOSED, (uint8_t)i, b, sizeof b);
    c->closed_sent[i] = true;
  }
}

bool conn_wants_write(const struct conn *c) { return c->fd >= 0 && (c->out_len || c->head_len); }

void conn_flush(struct conn *c) {
  while (c->fd >= 0) {
    if (S.link == c) {
      put_results(c);
      if (!c->head_len && !next_output(c) && c->results_sent == S.results_len) put_ends(c);
    }
    if (!c->out_len && !c->head_len) {
      if (c->dying && !c->said_all) c->said_all = true, shutdown(c->fd, SHUT_WR);
      return;
    }
    struct iovec v[4];
    int k = 0;
    bool begun = c->head_sent > 0;
    if (!begun && c->out_len) v[k++] = (struct iovec){c->out, c->out_len}; /* F4 */
    if (c->head_len > c->head_sent) v[k++] = (struct iovec){c->head + c->head_sent, c->head_len - c->head_sent};
    if (c->body_left) k += ring_iov(&S.ring[c->stream], c->body_off, c->body_left, v + k);
    struct msghdr m = {.msg_iov = v, .msg_iovlen = (size_t)k};
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SIGPIPE is ignored anyway */
#endif
    ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) return conn_close(c);
    uint32_t left = (uint32_t)n;
    if (!begun && c->out_len) {
      uint32_t took = left < c->out_len ? left : c->out_len;
      memmove(c->out, c->out + took, c->out_len -= took);
      left -= took;
    }
    uint32_t took = left < c->head_len - c->head_sent ? left : c->head_len - c->head_sent;
    c->head_sent += took;
    left -= took;
    c->body_off += left;
    c->body_left -= left;
    if (c->head_len) c->sent[c->stream] = c->body_off;
    if (c->head_len && c->head_sent == c->head_len && !c->body_left) c->head_len = c->head_sent = 0;
  }
}
