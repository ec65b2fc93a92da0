/*
 * Linked into a shim for tests with -Wl,--wrap=read: makes rare answers of a PTY master's read certain.
 *   HOLDFAST_FAULTY_READ=eio      two of three reads answer EIO though more bytes may follow, as Linux does now and then
 *   HOLDFAST_FAULTY_READ=endless  where there is nothing to read, a background child has always printed something
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n);

ssize_t __wrap_read(int fd, void *p, size_t n) {
  static unsigned reads;
  const char *fault = getenv("HOLDFAST_FAULTY_READ");
  unsigned number;
  if (!fault || ioctl(fd, TIOCGPTN, &number) < 0) return __real_read(fd, p, n);
  if (!strcmp(fault, "eio") && reads++ % 3 != 2) return errno = EIO, -1;
  ssize_t got = __real_read(fd, p, n);
  if (got >= 0 || strcmp(fault, "endless")) return got;
  if (n > 100) n = 100;
  return memset(p, 'y', n), (ssize_t)n;
}
