/* Which of the two modes. There is no other option and no configuration. */
#include "holdfast.h"

#ifdef __linux__
const char *self_path = "/proc/self/exe"; /* the very binary, even after an upgrade has replaced the file */
#else
const char *self_path;
#endif

int main(int argc, char **argv) {
#ifndef __linux__
  self_path = argv[0]; /* the starter gives an absolute path */
#endif
  if (argc == 4 && !strcmp(argv[1], "shim")) return shim_main(argv[2], atoi(argv[3]));
  if (argc >= 6 && !strcmp(argv[1], "keeper") && !strcmp(argv[4], "--")) return keeper_main(argv[2], argv[3], argv + 5);
  if (argc == 2 && !strcmp(argv[1], "version")) return printf("holdfast-shim protocol %d\n", PROTOCOL_MAX), 0;
  fprintf(stderr, "usage: holdfast-shim shim SPECFILE READYFD\n       holdfast-shim keeper RUNDIR LOGFILE -- HOST [ARG...]\n       holdfast-shim version\n");
  return 2;
}
