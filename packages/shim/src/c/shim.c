/*
 * One session: its event loop, its end, and its memory.
 *   E1  POLLHUP is not the end of output, and neither is the first EIO: only an EIO that repeats for 5 ms is.
 *   E2  The shim holds the slave (the pipes' other ends) until the leader is reaped, so nothing ends before that.
 *   E3  settled = leader reaped and all that it wrote has been read. A background child that goes on printing does not hold
 *       this up: past more than the kernel can buffer, the leader's bytes are in.
 */
#include "shim.h"

struct session S;
static int signals_fd;
#define QUIET (5 * MS)           /* E1; measured: an EIO was seen with 1 to 4 KiB still on the way */
enum { QUIET_READS = 4, PAST_EXIT = 256 * 1024 };

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* Starts the program on new pipes or a new PTY; what can fail leaves S.failure. Streams that exist already are kept. */
static void start(const struct spec *s) {
  struct failure *f = &S.failure;
  int p[2];
  memset(f, 0, sizeof *f);
  snprintf(f->step, sizeof f->step, "%s", S.pty ? "pty" : "pipe");
  if (S.pty) {
    int m = posix_openpt(O_RDWR | O_NOCTTY);
    if (cloexec_nonblock(m) < 0 || grantpt(m) < 0 || unlockpt(m) < 0) goto failed;
    S.in_fd = S.out_fd[0] = m;
    char *name = ptsname(m);
    struct winsize w = {.ws_col = (unsigned short)s->cols, .ws_row = (unsigned short)s->rows};
    struct termios t;
    if (!name || (S.held[0] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 || ioctl(m, TIOCSWINSZ, &w) < 0) goto failed;
#ifdef IUTF8
    if (tcgetattr(m, &t) == 0) t.c_iflag |= IUTF8, tcsetattr(S.held[0], TCSANOW, &t);
#endif
  } else {
    if (make_pipe(p) < 0) goto failed;
    S.held[0] = p[0], S.in_fd = cloexec_nonblock(p[1]);
    for (int i = 1; i < 3; i++) {
      if (S.out_fd[i] >= 0) continue;
      if (make_pipe(p) < 0) goto failed;
      S.out_fd[i] = cloexec_nonblock(p[0]), S.held[i] = p[1];
    }
  }
  S.pid = child_start(s, S.held[0], S.held[1], S.held[2], S.pty ? S.in_fd : -1, f);
  if (S.pid > 0) {
    struct proc p;
    S.pid_start = proc_stat(S.pid, &p) ? p.start : 0;
    S.phase = PH_RUNNING;
    tree_leader = S.pid;
    memset(f, 0, sizeof *f);
    return;
  }
  goto gone;
failed:
  f->err = errno;
gone:
  S.phase = PH_FAILED;
  S.pid = 0;
  shut(&S.held[0]);
  if (!S.pty) shut(&S.in_fd);
}

int respawn(const char *path) {
  if (S.pty || !(S.spec.flags & SPEC_RESPAWN) || S.end_phase) return -1;
  if (S.phase != PH_FAILED && !(S.phase == PH_EXITED && S.exit_acked)) return -1;
  struct spec s;
  if (spec_read(path, &s)) return -1;
  if (s.mode != MODE_PIPES) return spec_free(&s), -1;
  input_drop(0, RF_EXITED);
  shut(&S.in_fd), shut(&S.held[0]); /* input meant for the old program is never read by the new one */
  S.reaped = S.settled = S.exit_acked = S.eof_done = false;
  memset(S.past, 0, sizeof S.past), memset(S.quiet_since, 0, sizeof S.quiet_since), memset(S.quiet_reads, 0, sizeof S.quiet_reads);
  start(&s);
  spec_free(&s);
  if (S.link) S.link->exit_sent = false;
  uint8_t b[32] = {0};
  put32(b, (uint32_t)S.pid), put32(b + 4, (uint32_t)S.failure.err), put64(b + 8, S.pid_start);
  memcpy(b + 16, S.failure.step, 16);
  link_frame(T_STARTED, b, sizeof b);
  return 0;
}

/* ---- output */

static void quiet(int i, bool hangup) {
  if (!S.quiet_since[i]) S.quiet_since[i] = now_ns(), S.quiet_reads[i] = 0;
  S.quiet_reads[i]++;
  if (hangup && S.quiet_reads[i] >= QUIET_READS && now_ns() - S.quiet_since[i] >= QUIET) { /* E1 */
    S.closed[i] = true;
    if (S.pty) S.in_fd = -1;
    shut(&S.out_fd[i]);
  }
}

static void read_stream(int i) {
  size_t total = 0;
  for (int k = 0; k < 16; k++) {
    size_t room;
    uint8_t *to = ring_room(&S.ring[i], &room);
    if (!room) break; /* C4 */
    ssize_t n = read(S.out_fd[i], to, room < MAX_PAYLOAD ? room : MAX_PAYLOAD);
    if (n > 0) {
      ring_wrote(&S.ring[i], (size_t)n, now_ns());
      S.quiet_since[i] = 0;
      total += (size_t)n;
      if (S.reaped) S.past[i] += (uint64_t)n;
      if (n > MAX_PAYLOAD / 2) break; /* a pipe: enough for one turn */
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      if (S.reaped && !S.settled) quiet(i, false);
      else S.quiet_since[i] = 0;
    } else if (n == 0 && !S.pty) { /* a pipe's end is certain */
      S.closed[i] = true;
      shut(&S.out_fd[i]);
    } else quiet(i, true);
    break;
  }
  if (total) trim_soon();
}

static bool is_quiet(int i) {
  if (S.closed[i] || S.past[i] >= PAST_EXIT) return true; /* E3 */
  if (!S.quiet_since[i]) return false;
  if (!S.pty) return true; /* what was written to a pipe is there to be read: one EAGAIN after the reaping is enough */
  return S.quiet_reads[i] >= QUIET_READS && now_ns() - S.quiet_since[i] >= QUIET;
}

static void settle_exit(void) {
  if (!S.reaped || S.settled) return;
  for (int i = 0; i < 3; i++)
    if (S.has[i] && !is_quiet(i)) return;
  S.settled = true;
  S.phase = PH_EXITED;
  for (int i = 0; i < 3; i++) S.exit_end[i] = S.ring[i].end, S.quiet_since[i] = 0;
}

/* ---- the end */

static void reap(void) {
  int st;
  struct rusage ru;
  for (pid_t pid; (pid = wait4(-1, &st, WNOHANG, &ru)) > 0;) {
    if (pid != S.pid || S.reaped || S.phase != PH_RUNNING) continue; /* an adopted orphan */
    S.reaped = true;
    S.exit_status = st;
    S.usage = ru;
    S.exit_time = now_ns(), S.exit_wall = wall_ms();
    input_drop(0, RF_EXITED);
    if (!(S.spec.flags & SPEC_RESPAWN)) for (int i = 0; i < 3; i++) shut(&S.held[i]); /* E2 */
    if (!S.pty && !(S.spec.flags & SPEC_RESPAWN)) shut(&S.in_fd);
    for (int i = 0; i < 3; i++) S.quiet_since[i] = 0;
  }
}

void end_tree(uint32_t grace_ms) {
  static const int polite[] = {SIGHUP, SIGTERM, SIGCONT};
  tree_signal(polite, 3);
#ifndef __linux__
  if (!S.reaped && S.phase == PH_RUNNING) for (int i = 0; i < 3; i++) kill(-S.pid, polite[i]);
#endif
  uint64_t at = now_ns() + (grace_ms > 600000 ? 600000 : grace_ms) * MS;
  if (S.end_phase != 1 || at < S.end_at) S.end_at = at; /* asked again: the shorter grace counts */
  S.end_phase = 1;
  S.end_wait = 0;
}

/* After the grace: kill until none is left; a process may fork between our look and our signal. */
static void end_step(void) {
  static const int now_[] = {SIGKILL};
  if (!S.end_phase || now_ns() < S.end_at) return;
#ifndef __linux__
  if (!S.reaped && S.phase == PH_RUNNING) kill(-S.pid, SIGKILL);
#endif
  int left = tree_signal(now_, 1);
  reap();
  if (!left) { S.end_phase = 0; return; }
  S.end_phase = 2;
  S.end_wait = S.end_wait ? (S.end_wait < 500 * MS ? S.end_wait * 2 : S.end_wait) : 2 * MS; /* some only die when their disk answers */
  S.end_at = now_ns() + S.end_wait;
}

bool release(int *living) {
  reap();
  *living = tree_list();
  if (S.phase == PH_RUNNING && !*living) *living = 1;
  if (*living) return false;
  S.released = true;
  return true;
}

/* ---- memory */

void trim_soon(void) {
  if (!S.trim_at) S.trim_at = now_ns() + 1000 * MS;
}

static void forget(void *p, uint32_t *touched, bool empty) {
  if (!empty || *touched <= 4096) return;
  madvise(p, *touched, GIVE_BACK);
  *touched = 0;
}

static void trim(void) {
  S.trim_at = 0;
  for (int i = 0; i < 3; i++)
    if (S.has[i] && S.ring[i].touched > 4096) ring_trim(&S.ring[i]);
  for (int i = 0; i < CONNS; i++) {
    forget(S.conn[i].in, &S.conn[i].in_hw, !S.conn[i].in_len);
    forget(S.conn[i].out, &S.conn[i].out_hw, !S.conn[i].out_len);
  }
  forget(S.queue_bytes, &S.queued_hw, !S.queue_len);
}

/* ---- start and loop */

static int setup(const char *spec_path) {
  int e = spec_read(spec_path, &S.spec);
  if (e) return e;
  S.pty = S.spec.mode == MODE_PTY;
  if (S.pty) S.spec.flags &= ~(uint32_t)SPEC_RESPAWN;
  S.cols = S.spec.cols, S.rows = S.spec.rows;
  S.in_fd = S.out_fd[0] = S.out_fd[1] = S.out_fd[2] = S.held[0] = S.held[1] = S.held[2] = -1;
  for (int i = 0; i < 3; i++)
    if ((S.has[i] = S.pty ? i == 0 : i > 0)) ring_init(&S.ring[i], S.spec.ring);
  S.queue_cap = S.spec.input;
  S.queue_bytes = reserve(S.queue_cap);
  S.queue = reserve(QUEUE * sizeof *S.queue);
  S.results = reserve(RESULTS * sizeof *S.results);
  S.retry_ns = MS;
  for (int i = 0; i < CONNS; i++) S.conn[i] = (struct conn){.fd = -1, .in = reserve(IN_BUF), .out = reserve(OUT_BUF)};
  return 0;
}

static void lower_oom(void) {
#ifdef __linux__
  int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC); /* needs a right that users lack; then all stays as it is */
  char b[16] = {0};
  if (fd < 0) return;
  if (read(fd, b, sizeof b - 1) > 0) {
    int before = atoi(b);
    if (pwrite(fd, "-800", 4, 0) == 4) oom_before = before;
  }
  close(fd);
#endif
}

static void loop(void) {
  while (!S.released || S.link) {
    struct pollfd p[2 + CONNS + 3 + 1];
    int n = 0, conn_at[CONNS], out_at[3], in_at = -1;
    uint64_t until = 0, now = now_ns();
#define WAKE(t) do { uint64_t t_ = (t); if (t_ && (!until || t_ < until)) until = t_; } while (0)
    p[n++] = (struct pollfd){.fd = signals_fd, .events = POLLIN};
    p[n++] = (struct pollfd){.fd = now < S.deaf_until ? -1 : S.listener, .events = POLLIN};
    if (now < S.deaf_until) WAKE(S.deaf_until);
    for (int i = 0; i < CONNS; i++) {
      struct conn *c = &S.conn[i];
      conn_at[i] = -1;
      if (c->fd < 0) continue;
      if (c->deadline && now >= c->deadline) { conn_close(c); continue; }
      WAKE(c->deadline);
      conn_at[i] = n;
      p[n++] = (struct pollfd){.fd = c->fd, .events = (short)((conn_wants_read(c) ? POLLIN : 0) | (conn_wants_write(c) ? POLLOUT : 0))};
    }
    for (int i = 0; i < 3; i++) {
      size_t room;
      out_at[i] = -1;
      if (S.out_fd[i] < 0 || (ring_room(&S.ring[i], &room), !room)) continue;
      if (S.quiet_since[i]) WAKE(now + MS); /* POLLHUP would wake us without end: look again by the clock */
      else {
        out_at[i] = n;
        p[n++] = (struct pollfd){.fd = S.out_fd[i], .events = POLLIN};
      }
    }
    if (S.input_blocked && S.in_fd >= 0) {
      WAKE(S.retry_at);
      if (S.poll_out) in_at = n, p[n++] = (struct pollfd){.fd = S.in_fd, .events = POLLOUT};
    }
    if (S.end_phase) WAKE(S.end_at);
    WAKE(S.trim_at);
    wait_fds(p, n, until);
    now = now_ns();

    if (p[0].revents) {
      uint8_t b[64];
      for (ssize_t k; (k = read(signals_fd, b, sizeof b)) > 0;)
        if (memchr(b, SIGTERM, (size_t)k)) S.terminated = true, end_tree(2000);
      reap();
      if (S.end_phase && S.reaped && !tree_list()) S.end_phase = 0; /* gone before their time was up */
    }
    /* Output before input: a result then names all output that was there before its input was written. */
    for (int i = 0; i < 3; i++)
      if (S.out_fd[i] >= 0 && (out_at[i] >= 0 ? p[out_at[i]].revents != 0 : S.quiet_since[i] != 0)) read_stream(i);
      else if (S.out_fd[i] >= 0 && S.reaped && !S.settled && !S.quiet_since[i]) read_stream(i);
    settle_exit();
    for (int i = 0; i < CONNS; i++) {
      if (conn_at[i] < 0 || S.conn[i].fd != p[conn_at[i]].fd) continue;
      short r = p[conn_at[i]].revents;
      if ((r & POLLIN) && conn_wants_read(&S.conn[i])) conn_read(&S.conn[i]);
      else if (r & (POLLHUP | POLLERR)) conn_close(&S.conn[i]);
    }
    if (S.input_blocked && ((in_at >= 0 && p[in_at].revents) || now >= S.retry_at)) input_pump(in_at >= 0 && p[in_at].revents);
    end_step();
    for (int i = 0; i < CONNS; i++)
      if (S.conn[i].fd >= 0) conn_flush(&S.conn[i]);
    if (p[1].revents) {
      int fd = accept_same_uid(S.listener);
      if (fd >= 0) conn_open(fd);
      else if (is_shortage(errno)) S.deaf_until = now + DEAF;
    }
    if (S.trim_at && now >= S.trim_at) trim();
    /* Asked by SIGTERM: a host that is there gets the rest, but nobody is waited for. */
    if (S.terminated && !S.end_phase && (S.phase != PH_RUNNING || (S.reaped && !S.link))) break;
  }
}

static void report(int fd, int err, const char *step) {
  uint8_t b[24] = {0};
  put32(b, (uint32_t)getpid()), put32(b + 4, (uint32_t)err);
  snprintf((char *)b + 8, 16, "%s", step);
  if (write(fd, b, sizeof b) < 0) { /* the starter has gone: the session runs all the same */ }
  close(fd);
}

int shim_main(const char *spec_path, int ready) {
  name_self("hold-shim");
  setsid(); /* out of the starter's session; fails harmlessly if we lead one already */
  null_stdio(-1);
  if (ready != 3) dup2(ready, 3), ready = 3;
  close_from(4);
  fcntl(ready, F_SETFD, FD_CLOEXEC);
  reset_signals();
  static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
  static const int heard[] = {SIGCHLD, SIGTERM};
  umask(077);
  if (chdir("/") < 0) { /* only so that no mount is held */ }
  int e = setup(spec_path);
  if (e) return report(ready, e, "spec"), 1;
  signals_fd = signal_pipe(heard, 2);
  become_subreaper();
  lower_oom();
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", S.spec.socket);
  S.listener = listen_at(path, false);
  if (S.listener < 0) return report(ready, errno, "socket"), 1;
  start(&S.spec);
  spec_free(&S.spec);
  report(ready, 0, "");
  loop();
  unlink(path);
  return 0;
}
