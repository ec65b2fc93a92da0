/*
 * The process tree. The shim is a subreaper, so whatever the session started stays below it, daemonised or not. Keepers and
 * shims may have been started from inside a session; they and what is below them belong to the home, and are never entered.
 * Linux only: elsewhere the tree is the leader's process group.
 */
#include "holdfast.h"
#include <dirent.h>

enum { TREE = 4096 };
struct proc tree[TREE]; /* pages are touched only as far as the tree is large */
pid_t tree_leader;

#ifdef __linux__
static ssize_t slurp(const char *path, char *buf, size_t cap) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = read(fd, buf, cap - 1);
  close(fd);
  if (n >= 0) buf[n] = 0;
  return n;
}

bool proc_stat(pid_t pid, struct proc *p) {
  char path[64], buf[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  if (slurp(path, buf, sizeof buf) <= 0) return false;
  char *open_ = strchr(buf, '('), *shut = strrchr(buf, ')'); /* the name may hold anything, ')' and spaces too */
  if (!open_ || !shut || shut < open_) return false;
  size_t n = (size_t)(shut - open_ - 1);
  if (n > 16) n = 16;
  memset(p, 0, sizeof *p);
  memcpy(p->comm, open_ + 1, n);
  p->pid = pid;
  int pgrp;
  unsigned long long start;
  if (sscanf(shut + 1, " %c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &p->state, &pgrp, &start) != 3)
    return false;
  p->pgrp = pgrp;
  p->start = start;
  return true;
}

static bool is_house(const char *comm) { /* "holdfast-shim": exec'd, and not yet renamed */
  return !strcmp(comm, "hold-keeper") || !strcmp(comm, "hold-shim") || !strcmp(comm, "holdfast-shim");
}

/* Appends the children of one process; they stand in the lists of its threads. */
static int children_of(pid_t pid, struct proc *out, int n, int max) {
  char path[320], list[8192];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *d = opendir(path);
  if (!d) return n;
  for (struct dirent *e; (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, e->d_name);
    if (slurp(path, list, sizeof list) <= 0) continue; /* more than 8 KiB of children: the rest is seen in a later round */
    for (char *p = list; n < max; n++) {
      char *end;
      long child = strtol(p, &end, 10);
      if (end == p || *end != ' ') break; /* the end, or a number cut off by the buffer */
      p = end;
      if (!proc_stat((pid_t)child, &out[n]) || out[n].state == 'Z' || (child != tree_leader && is_house(out[n].comm))) n--;
    }
  }
  closedir(d);
  return n;
}

int tree_list(void) {
  int n = children_of(getpid(), tree, 0, TREE);
  for (int i = 0; i < n; i++) n = children_of(tree[i].pid, tree, n, TREE);
  return n;
}

void proc_waits(pid_t pid, char wchan[32], int32_t *call, uint64_t *arg) {
  char path[64], buf[256];
  memset(wchan, 0, 32);
  *call = -1;
  *arg = 0;
  snprintf(path, sizeof path, "/proc/%d/wchan", (int)pid);
  if (slurp(path, buf, sizeof buf) > 0) snprintf(wchan, 32, "%.31s", buf);
  snprintf(path, sizeof path, "/proc/%d/syscall", (int)pid);
  int nr;
  unsigned long long a;
  if (slurp(path, buf, sizeof buf) > 0 && sscanf(buf, "%d %llx", &nr, &a) == 2) {
    *call = nr;
    *arg = a;
  }
}
#else
bool proc_stat(pid_t pid, struct proc *p) {
  memset(p, 0, sizeof *p);
  p->pid = pid;
  return false;
}
int tree_list(void) { return 0; }
void proc_waits(pid_t pid, char wchan[32], int32_t *call, uint64_t *arg) {
  (void)pid;
  memset(wchan, 0, 32);
  *call = -1;
  *arg = 0;
}
#endif

int tree_signal(const int *signals, int n) {
  int count = tree_list();
  for (int i = 0; i < count; i++)
    for (int s = 0; s < n; s++) kill(tree[i].pid, signals[s]);
  return count;
}
