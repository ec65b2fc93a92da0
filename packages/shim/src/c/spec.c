/* What to start, as the host wrote it (src/spec.ts), and starting it. */
#include "holdfast.h"
#ifdef __APPLE__
extern char **environ;
#endif

enum { SPEC_HEADER = 64, SPEC_MAX = 16 * 1024 * 1024 };
#define SPEC_MAGIC 0x31534648u /* "HFS1" */
int oom_before = INT_MIN;

static int spec_parse(int fd, struct spec *s) {
  struct stat st;
  uint8_t h[SPEC_HEADER];
  if (fstat(fd, &st) < 0) return errno;
  if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) return EPERM;
  if (st.st_size < SPEC_HEADER || st.st_size > SPEC_MAX || read(fd, h, sizeof h) != (ssize_t)sizeof h || get32(h) != SPEC_MAGIC) return EINVAL;
  s->mode = get32(h + 4), s->flags = get32(h + 8), s->cols = get32(h + 12), s->rows = get32(h + 16), s->umask = get32(h + 20);
  s->ring = get32(h + 24), s->input = get32(h + 28);
  s->soft = (int64_t)get64(h + 32), s->hard = (int64_t)get64(h + 40);
  uint32_t argc = get32(h + 48), envc = get32(h + 52);
  if (s->mode > MODE_PIPES || argc < 1 || argc > SPEC_MAX / 2 || envc > SPEC_MAX / 2 || s->cols > 65535 || s->rows > 65535) return EINVAL;
  if (s->ring < 64 * 1024 || s->ring > 64 * 1024 * 1024 || s->input < MAX_PAYLOAD || s->input > 16 * 1024 * 1024) return EINVAL;
  size_t text = (size_t)st.st_size - SPEC_HEADER, pointers = ((size_t)argc + envc + 2) * sizeof(char *), got = 0;
  s->map_len = pointers + text + 1;
  s->map = mmap(NULL, s->map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (s->map == MAP_FAILED) return s->map = NULL, ENOMEM;
  char *at = (char *)s->map + pointers, *end = at + text;
  for (ssize_t n; got < text; got += (size_t)n)
    if ((n = read(fd, at + got, text - got)) <= 0) return n < 0 ? errno : EINVAL;
  s->argv = s->map;
  s->envp = s->argv + argc + 1;
  for (uint32_t i = 0; i < argc + envc + 2; i++) { /* cwd, socket, argv…, env…: each ends with NUL, and nothing follows */
    char *nul = memchr(at, 0, (size_t)(end - at));
    if (!nul) return EINVAL;
    if (i == 0) s->cwd = at;
    else if (i == 1) s->socket = at;
    else if (i < argc + 2) s->argv[i - 2] = at;
    else s->envp[i - 2 - argc] = at;
    at = nul + 1;
  }
  return at == end && *s->argv[0] && s->cwd[0] == '/' && s->socket[0] == '/' ? 0 : EINVAL;
}

int spec_read(const char *path, struct spec *s) {
  memset(s, 0, sizeof *s);
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return errno;
  int e = spec_parse(fd, s);
  close(fd);
  if (e) spec_free(s);
  else unlink(path); /* it holds an environment, and environments hold secrets; what is no spec is not ours to remove */
  return e;
}

void spec_free(struct spec *s) {
  if (s->map) munmap(s->map, s->map_len);
  s->map = NULL;
  s->argv = s->envp = NULL;
  s->cwd = s->socket = NULL;
}

static void child_fail(int report, const char *step) {
  struct failure f = {.err = errno};
  snprintf(f.step, sizeof f.step, "%s", step);
  if (write(report, &f, sizeof f) < 0) { /* the parent then sees an end without an exec */ }
  _exit(127);
}

static int open_slave(int master) {
#if defined(__linux__) && defined(TIOCGPTPEER)
  int fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) return fd;
#endif
  char *name = ptsname(master);
  return name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
}

static void child_run(const struct spec *s, int in, int out, int err, int master, int report) {
  if (setsid() < 0) child_fail(report, "setsid");
  if (master >= 0) { /* a description of its own: flags that the program sets must not be the shim's */
    in = out = err = open_slave(master);
    if (in < 0) child_fail(report, "pty");
    if (ioctl(in, TIOCSCTTY, 0) < 0) child_fail(report, "controlling_tty");
  }
  /* Above 2 first, so that no dup2 overwrites one that is still needed; dup2 leaves 0, 1 and 2 without close-on-exec. */
  int fds[3] = {fcntl(in, F_DUPFD_CLOEXEC, 3), fcntl(out, F_DUPFD_CLOEXEC, 3), fcntl(err, F_DUPFD_CLOEXEC, 3)};
  int keep = fcntl(report, F_DUPFD_CLOEXEC, 3);
  for (int i = 0; i < 3; i++)
    if (fds[i] < 0 || dup2(fds[i], i) < 0) child_fail(report, "stdio");
  if (keep < 0 || dup2(keep, 3) < 0 || fcntl(3, F_SETFD, FD_CLOEXEC) < 0) child_fail(report, "stdio");
  close_from(4); /* C3, even if some descriptor was made without close-on-exec */
  report = 3;
#ifdef __linux__
  if (oom_before != INT_MIN) {
    FILE *f = fopen("/proc/self/oom_score_adj", "we");
    if (f) fprintf(f, "%d", oom_before), fclose(f);
  }
#endif
  reset_signals();
  umask((mode_t)(s->umask & 07777));
  if (s->flags & SPEC_NOFILE) {
    struct rlimit r = {s->soft < 0 ? RLIM_INFINITY : (rlim_t)s->soft, s->hard < 0 ? RLIM_INFINITY : (rlim_t)s->hard}, now;
    /* Raising the hard limit needs a right that we may lack: then as near as allowed, never a reason to fail. */
    if (setrlimit(RLIMIT_NOFILE, &r) < 0 && getrlimit(RLIMIT_NOFILE, &now) == 0) {
      r.rlim_max = now.rlim_max;
      if (r.rlim_cur > r.rlim_max) r.rlim_cur = r.rlim_max;
      setrlimit(RLIMIT_NOFILE, &r);
    }
  }
  if (chdir(s->cwd) < 0) child_fail(report, "chdir");
  environ = s->envp; /* execvp looks in the PATH of the new environment, not in ours */
  execvp(s->argv[0], s->argv);
  child_fail(report, "exec");
}

int child_start(const struct spec *s, int in, int out, int err, int master, struct failure *f) {
  int p[2];
  memset(f, 0, sizeof *f);
  if (make_pipe(p) < 0) return f->err = errno, snprintf(f->step, sizeof f->step, "pipe"), -1;
  pid_t pid = fork();
  if (pid < 0) {
    f->err = errno, snprintf(f->step, sizeof f->step, "fork");
    close(p[0]), close(p[1]);
    return -1;
  }
  if (pid == 0) child_run(s, in, out, err, master, p[1]);
  close(p[1]);
  ssize_t n;
  while ((n = read(p[0], f, sizeof *f)) < 0 && errno == EINTR) {}
  close(p[0]);
  return n == 0 ? (int)pid : -1; /* exec closed the pipe: it runs */
}
