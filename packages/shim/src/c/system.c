/* What differs between platforms, and small helpers of both modes. */
#include "holdfast.h"
#include <sys/un.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

uint64_t wall_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / MS;
}

void *reserve(size_t n) {
  void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) _exit(71);
#ifdef MADV_NOHUGEPAGE
  madvise(p, n, MADV_NOHUGEPAGE); /* else the first byte of output may cost 2 MiB */
#endif
  return p;
}

void name_self(const char *name) {
#ifdef __linux__
  prctl(PR_SET_NAME, name);
#else
  (void)name;
#endif
}

void become_subreaper(void) {
#ifdef __linux__
  prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
}

void null_stdio(int out) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(null, 0);
  dup2(out >= 0 ? out : null, 1);
  dup2(out >= 0 ? out : null, 2);
  if (null > 2) close(null);
}

int cloexec_nonblock(int fd) {
  if (fd < 0) return -1;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) return -1;
  return fd;
}

int make_pipe(int p[2]) {
#ifdef __linux__
  return pipe2(p, O_CLOEXEC);
#else
  if (pipe(p) < 0) return -1;
  fcntl(p[0], F_SETFD, FD_CLOEXEC);
  fcntl(p[1], F_SETFD, FD_CLOEXEC);
  return 0;
#endif
}

static int signal_write = -1;

static void on_signal(int signo) {
  int saved = errno;
  uint8_t b = (uint8_t)signo;
  if (write(signal_write, &b, 1) < 0) { /* the pipe is full: a wake-up is under way already */ }
  errno = saved;
}

int signal_pipe(const int *signals, int n) {
  int p[2];
  if (make_pipe(p) < 0 || cloexec_nonblock(p[0]) < 0 || cloexec_nonblock(p[1]) < 0) return -1;
  signal_write = p[1];
  struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  for (int i = 0; i < n; i++) sigaction(signals[i], &a, NULL);
  return p[0];
}

/* sun_path holds 107 bytes; a longer path is reached through its folder's descriptor, which Linux shows in /proc. */
static int socket_address(const char *path, struct sockaddr_un *a, int *dir) {
  memset(a, 0, sizeof *a);
  a->sun_family = AF_UNIX;
  const char *slash = strrchr(path, '/');
  char folder[PATH_MAX];
  if (!slash || slash == path || (size_t)(slash - path) >= sizeof folder) return errno = EINVAL, -1;
  memcpy(folder, path, (size_t)(slash - path));
  folder[slash - path] = 0;
  struct stat st;
  *dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*dir < 0 || fstat(*dir, &st) < 0) return -1;
  if (st.st_uid != geteuid() || (st.st_mode & 077)) return errno = EPERM, -1; /* someone else could reach the socket */
  int n;
  if (strlen(path) < sizeof a->sun_path) n = snprintf(a->sun_path, sizeof a->sun_path, "%s", path);
  else n = snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/%s", *dir, slash + 1);
  if (n < 0 || (size_t)n >= sizeof a->sun_path) return errno = ENAMETOOLONG, -1;
  return 0;
}

int listen_at(const char *path, bool replace) {
  struct sockaddr_un a;
  int dir = -1, fd = -1;
  if (socket_address(path, &a, &dir) == 0) {
    if (replace) unlink(path);
    mode_t old = umask(0177); /* the socket must never exist with wider rights, not for an instant */
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd >= 0 && (cloexec_nonblock(fd) < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 64) < 0)) {
      int e = errno;
      close(fd);
      errno = e;
      fd = -1;
    }
    umask(old);
  }
  int e = errno;
  if (dir >= 0) close(dir);
  errno = e;
  return fd;
}

int accept_same_uid(int listener) {
  int fd = accept(listener, NULL, NULL);
  if (fd < 0) return -1;
#ifdef __linux__
  struct ucred c;
  socklen_t n = sizeof c;
  bool same = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) == 0 && c.uid == geteuid();
#else
  uid_t uid;
  gid_t gid;
  bool same = getpeereid(fd, &uid, &gid) == 0 && uid == geteuid();
#endif
  if (same && cloexec_nonblock(fd) >= 0) return fd;
  close(fd);
  return errno = EPERM, -1;
}

bool is_shortage(int err) { return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM; }

void wait_fds(struct pollfd *p, int n, uint64_t until) {
  uint64_t now = until ? now_ns() : 0, left = until > now ? until - now : 0;
#ifdef __linux__
  struct timespec t = {.tv_sec = (time_t)(left / 1000000000ull), .tv_nsec = (long)(left % 1000000000ull)};
  int r = ppoll(p, (nfds_t)n, until ? &t : NULL, NULL);
#else
  int r = poll(p, (nfds_t)n, until ? (int)((left + MS - 1) / MS) : -1);
#endif
  if (r <= 0)
    for (int i = 0; i < n; i++) p[i].revents = 0;
}

void reset_signals(void) {
  for (int i = 1; i < NSIG; i++)
    if (i != SIGKILL && i != SIGSTOP) signal(i, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

void close_from(int lowest) {
#if defined(__linux__) && defined(SYS_close_range)
  if (syscall(SYS_close_range, (unsigned)lowest, ~0u, 0u) == 0) return;
#endif
  struct rlimit r;
  int top = getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < 65536 ? (int)r.rlim_cur : 65536;
  for (int i = lowest; i < top; i++) close(i);
}
