/*
 * The keeper: one a home. It outlives hosts, is outlived by shims, and is nobody's descendant for long.
 *   H1  One keeper a run folder: it holds an flock on keeper.lock for its life; a second one exits with 75.
 *   H2  The host is started again at once when it ends other than by exit 0. One that is killed (SIGKILL) waits until 250 ms
 *       after its own start, however often that happens; only one that keeps ending young of itself waits longer.
 *   H3  A host never outlives its keeper (Linux), so that there are never two hosts of one home.
 *   H4  Shims are forked here, so they are in no session's tree; the keeper's end does not touch them.
 */
#include "holdfast.h"
#include <sys/file.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { KEEPER_CONNS = 16, SPAWNS = 64, REQUEST = HEADER + PATH_MAX, EXIT_LOCKED = 75 };
#define YOUNG (10000 * MS)
#define KILLED_AGAIN (250 * MS) /* between two starts of a host that is killed: within the second that is promised, and no busy loop */
#define MOST_WAIT (10000 * MS)
#define FORK_AGAIN (250 * MS)

static struct { int fd; uint32_t serial, len; uint8_t in[REQUEST]; } peer[KEEPER_CONNS];
static struct { int ready, conn; uint32_t serial; pid_t pid; } spawn[SPAWNS];
static uint32_t serials, starts;
static pid_t host;
static uint64_t host_born, host_due;
static int death_count;
static char **host_argv;
static bool stopping;

static void say(const char *text, long a, long b) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  char when[32];
  struct tm tm;
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t.tv_sec, &tm));
  dprintf(2, "%s keeper %d: ", when, (int)getpid());
  dprintf(2, text, a, b);
  dprintf(2, "\n");
}

static void start_host(void) {
  pid_t me = getpid();
  host_due = 0;
  host = fork();
  if (host == 0) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* H3; a host's death costs nobody anything */
#endif
    if (getppid() != me) _exit(1);
    reset_signals();
    close_from(3);
    execvp(host_argv[0], host_argv);
    dprintf(2, "cannot start the host %s: %s\n", host_argv[0], strerror(errno));
    _exit(127);
  }
  int e = errno;
  host_born = now_ns();
  starts++;
  if (host < 0) {
    say("cannot fork a host, errno %ld", e, 0);
    host = 0, host_due = now_ns() + FORK_AGAIN;
  } else say("started host %ld (start %ld)", host, starts);
}

/* H2. Of itself: the sixth death within 10 s waits 250 ms, the next 500, up to 10 s; a host that lived for 10 s starts afresh. A
 * kill comes from outside and says nothing of the host: it neither counts nor waits for what was counted. */
static void host_ended(int status) {
  uint64_t now = now_ns(), age = now - host_born, wait = 0;
  say("host %ld ended, status 0x%lx", host, status);
  host = 0;
  if (stopping || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) { stopping = true; return; }
  if (age >= YOUNG) death_count = 0;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) wait = age < KILLED_AGAIN ? KILLED_AGAIN - age : 0;
  else if (death_count++ >= 5) {
    int k = death_count - 6;
    wait = k > 5 ? MOST_WAIT : (250 * MS) << k;
    if (wait > MOST_WAIT) wait = MOST_WAIT;
    say("host keeps dying: waiting %ld ms", (long)(wait / MS), 0);
  }
  host_due = now + wait;
  if (!wait) start_host();
}

static void answer(int i, uint32_t serial, uint8_t type, const uint8_t *body, uint32_t n) {
  uint8_t b[HEADER + 64];
  if (i < 0 || peer[i].fd < 0 || peer[i].serial != serial) return;
  put_header(b, n, type, 0);
  memcpy(b + HEADER, body, n);
  if (send(peer[i].fd, b, HEADER + n, 0) != (ssize_t)(HEADER + n)) close(peer[i].fd), peer[i].fd = -1; /* a peer that does not read its answers */
}

static void spawned(int conn, uint32_t serial, uint32_t pid, uint32_t err, const char *step) {
  uint8_t b[24] = {0};
  put32(b, pid), put32(b + 4, err);
  snprintf((char *)b + 8, 16, "%s", step);
  answer(conn, serial, T_SPAWNED, b, sizeof b);
}

static void spawn_shim(int conn, const char *spec) {
  int k = 0, p[2];
  uint32_t serial = peer[conn].serial;
  while (k < SPAWNS && spawn[k].ready >= 0) k++;
  if (k == SPAWNS) return spawned(conn, serial, 0, EAGAIN, "spawn");
  if (make_pipe(p) < 0) return spawned(conn, serial, 0, (uint32_t)errno, "pipe");
  pid_t pid = fork();
  if (pid == 0) {
    char fd[16];
    reset_signals();
    int ready = p[1] == 3 ? 3 : dup2(p[1], 3);
    fcntl(ready, F_SETFD, 0);
    close_from(4);
    snprintf(fd, sizeof fd, "%d", ready);
    execl(self_path, "holdfast-shim", "shim", spec, fd, (char *)NULL);
    uint8_t b[24] = {0};
    put32(b + 4, (uint32_t)errno), memcpy(b + 8, "exec", 4);
    if (write(ready, b, sizeof b) < 0) {}
    _exit(127);
  }
  int e = errno;
  close(p[1]);
  if (pid < 0) return (void)close(p[0]), spawned(conn, serial, 0, (uint32_t)e, "fork");
  cloexec_nonblock(p[0]);
  spawn[k].ready = p[0], spawn[k].conn = conn, spawn[k].serial = serial, spawn[k].pid = pid;
}

static void spawn_ready(int k) {
  uint8_t b[25] = {0};
  ssize_t n = read(spawn[k].ready, b, 24);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n == 24) spawned(spawn[k].conn, spawn[k].serial, get32(b + 4) ? 0 : (uint32_t)spawn[k].pid, get32(b + 4), (char *)b + 8);
  else spawned(spawn[k].conn, spawn[k].serial, 0, EIO, "shim"); /* it died before it could say why */
  close(spawn[k].ready);
  spawn[k].ready = -1;
}

static bool request(int i, uint8_t type, const uint8_t *b, uint32_t n) {
  char path[PATH_MAX];
  uint8_t s[32] = {0};
  if (type == T_SPAWN && n > 1 && n < PATH_MAX && b[0] == '/' && !memchr(b, 0, n)) {
    memcpy(path, b, n);
    path[n] = 0;
    spawn_shim(i, path);
    return true;
  }
  if (type == T_STATUS && n == 0) {
    put32(s, PROTOCOL_MAX), put32(s + 4, (uint32_t)getpid()), put32(s + 8, (uint32_t)host), put32(s + 12, starts);
    put64(s + 16, host ? (now_ns() - host_born) / MS : 0);
    put64(s + 24, host_due ? (host_due - now_ns()) / MS : 0);
    answer(i, peer[i].serial, T_STATUSED, s, sizeof s);
    return true;
  }
  return false;
}

static void peer_read(int i) {
  ssize_t n = read(peer[i].fd, peer[i].in + peer[i].len, REQUEST - peer[i].len);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  bool ok = n > 0;
  if (ok) peer[i].len += (uint32_t)n;
  while (ok && peer[i].fd >= 0 && peer[i].len >= HEADER) {
    uint32_t body = get32(peer[i].in);
    if (body > PATH_MAX || peer[i].in[5] || get16(peer[i].in + 6)) ok = false;
    else if (peer[i].len < HEADER + body) break;
    else {
      ok = request(i, peer[i].in[4], peer[i].in + HEADER, body);
      peer[i].len -= HEADER + body;
      memmove(peer[i].in, peer[i].in + HEADER + body, peer[i].len);
    }
  }
  if (!ok && peer[i].fd >= 0) close(peer[i].fd), peer[i].fd = -1;
}

/* A descriptor is kept so that a peer can be told that there is none. Without one the listener rests: it would wake us for ever. */
static int spare = -1;
static uint64_t deaf_until;

static void peer_accept(int listener) {
  int fd = accept_same_uid(listener), i = 0;
  if (fd < 0 && is_shortage(errno) && spare >= 0) {
    close(spare), spare = -1;
    fd = accept_same_uid(listener);
  }
  if (fd < 0 && is_shortage(errno)) deaf_until = now_ns() + DEAF;
  if (fd < 0) return;
  while (i < KEEPER_CONNS && peer[i].fd >= 0) i++;
  if (i == KEEPER_CONNS) { /* the one that has been silent longest gives way */
    i = 0;
    for (int k = 1; k < KEEPER_CONNS; k++)
      if (peer[k].serial < peer[i].serial) i = k;
    close(peer[i].fd);
  }
  peer[i].fd = fd, peer[i].len = 0, peer[i].serial = ++serials;
}

static void serve(int listener, int signals_fd) {
  for (int i = 0; i < KEEPER_CONNS; i++) peer[i].fd = -1;
  for (int i = 0; i < SPAWNS; i++) spawn[i].ready = -1;
  start_host();
  while (!stopping || host) {
    struct pollfd p[2 + KEEPER_CONNS + SPAWNS];
    int n = 2, at[KEEPER_CONNS], ready_at[SPAWNS];
    p[0] = (struct pollfd){.fd = signals_fd, .events = POLLIN};
    if (spare < 0) spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool deaf = deaf_until > now_ns();
    p[1] = (struct pollfd){.fd = deaf ? -1 : listener, .events = POLLIN};
    for (int i = 0; i < KEEPER_CONNS; i++)
      if ((at[i] = peer[i].fd >= 0 ? n : -1) >= 0) p[n++] = (struct pollfd){.fd = peer[i].fd, .events = POLLIN};
    for (int i = 0; i < SPAWNS; i++)
      if ((ready_at[i] = spawn[i].ready >= 0 ? n : -1) >= 0) p[n++] = (struct pollfd){.fd = spawn[i].ready, .events = POLLIN};
    wait_fds(p, n, !deaf || (host_due && host_due < deaf_until) ? host_due : deaf_until);
    if (p[0].revents) {
      uint8_t b[64];
      for (ssize_t k; (k = read(signals_fd, b, sizeof b)) > 0;)
        if (memchr(b, SIGTERM, (size_t)k)) {
          stopping = true;
          if (host) kill(host, SIGTERM);
        }
      int st;
      for (pid_t pid; (pid = waitpid(-1, &st, WNOHANG)) > 0;)
        if (pid == host) host_ended(st);
    }
    for (int i = 0; i < SPAWNS; i++)
      if (ready_at[i] >= 0 && p[ready_at[i]].revents) spawn_ready(i);
    for (int i = 0; i < KEEPER_CONNS; i++)
      if (at[i] >= 0 && peer[i].fd == p[at[i]].fd && p[at[i]].revents) peer_read(i);
    if (p[1].revents) peer_accept(listener);
    if (host_due && !stopping && now_ns() >= host_due) start_host();
  }
}

static int fail(const char *what) {
  fprintf(stderr, "holdfast keeper: %s: %s\n", what, strerror(errno));
  return 1;
}

int keeper_main(const char *run, const char *log, char **argv) {
  char path[PATH_MAX], socket_path[PATH_MAX];
  struct stat st;
  host_argv = argv;
  umask(077);
  close_from(3); /* whatever the starter left open: not ours to hold */
  name_self("hold-keeper");
  errno = 0;
  if (run[0] != '/' || log[0] != '/' || strlen(run) > PATH_MAX - 32) return errno = EINVAL, fail("RUNDIR and LOGFILE must be absolute");
  if (stat(run, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) return errno = errno ? errno : EPERM, fail(run);
  snprintf(path, sizeof path, "%s/keeper.lock", run);
  snprintf(socket_path, sizeof socket_path, "%s/keeper.sock", run);
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return fail(path);
  if (flock(lock, LOCK_EX | LOCK_NB) < 0) return errno == EWOULDBLOCK ? EXIT_LOCKED : fail(path); /* H1 */
  int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600), told[2];
  if (out < 0) return fail(log);
  if (make_pipe(told) < 0) return fail("pipe");
  /* The first process waits until the keeper listens; the second leads a session; the third, the keeper, leads none and can
   * never gain a terminal. The lock belongs to the open file, so it passes on. */
  pid_t pid = fork();
  if (pid < 0) return fail("fork");
  if (pid > 0) {
    int err = EIO;
    close(told[1]);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    ssize_t n = read(told[0], &err, sizeof err);
    if (n == (ssize_t)sizeof err && err == 0) return 0;
    return errno = err, fail(socket_path);
  }
  setsid();
  pid = fork();
  if (pid) _exit(pid < 0);
  static const int heard[] = {SIGCHLD, SIGTERM};
  static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
  reset_signals();
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
  null_stdio(out);
  close(out);
  int signals_fd = signal_pipe(heard, 2), listener = listen_at(socket_path, true), err = listener < 0 ? errno : 0;
  if (chdir("/") < 0) {}
  if (write(told[1], &err, sizeof err) < 0 || err) return 1;
  close(told[0]), close(told[1]);
  serve(listener, signals_fd);
  unlink(socket_path);
  say("ends", 0, 0);
  return 0;
}
