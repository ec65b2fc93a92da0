/*
 * holdfast-shim: one small program with two modes.
 *
 *   shim    holds one session: the PTY master (or the pipes), the child, its exit status, and every byte of output
 *           until a host says that it is journalled. docs/shim-protocol.md is the contract, byte by byte.
 *   keeper  holds one home: its lock, the host process (started again when it dies), and the forking of shims.
 *
 * Rules that the code below must keep
 *   C1  Nothing blocks: every descriptor in the loop is non-blocking; reading and writing never wait for each other.
 *   C2  All memory is reserved at start (a spec is mapped while a child starts, and unmapped again).
 *   C3  Every descriptor is close-on-exec; a child gets 0, 1, 2 and nothing else.
 *   C4  Output is never dropped: a full ring stops the reading, which blocks the program.
 *   C5  A frame from the socket is checked whole before any of it has an effect.
 */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { PROTOCOL_MIN = 1, PROTOCOL_MAX = 1, MAX_PAYLOAD = 64 * 1024, HEADER = 8 };
#define HELLO_MAGIC 0x31464c48u /* "HLF1" */
#ifdef __APPLE__
#define GIVE_BACK MADV_FREE
#else
#define GIVE_BACK MADV_DONTNEED
#endif
#define MS 1000000ull           /* nanoseconds in a millisecond */

/* Frame types. Host to shim below 0x40, to the keeper from 0x41; answers have bit 7. Never renumbered. */
enum {
  T_HELLO = 0x01, T_INPUT, T_INTERRUPT, T_RESIZE, T_SIGNAL, T_EOF, T_CANCEL, T_PROBE, T_ACK, T_END_TREE, T_RELEASE, T_RESPAWN,
  T_SPAWN = 0x41, T_STATUS,
  T_WELCOME = 0x81, T_OUTPUT, T_RESULT, T_EXITED, T_CLOSED, T_PROBED, T_FENCED, T_ERROR, T_RELEASED, T_REFUSED, T_STARTED,
  T_SPAWNED = 0xC1, T_STATUSED,
};
enum { ERR_BAD_FRAME = 1, ERR_VERSION, ERR_BAD_OFFSET };
enum { ST_APPLIED = 1, ST_REFUSED, ST_VOID, ST_CUT };
enum { RF_NONE = 0, RF_QUEUE_FULL, RF_STALE_SEQ, RF_LINE_TOO_LONG, RF_EXITED, RF_BAD_REQUEST, RF_IO_ERROR };
enum { PH_RUNNING = 1, PH_EXITED, PH_FAILED };
enum { MODE_PTY = 0, MODE_PIPES = 1 };
enum { SPEC_RESPAWN = 1, SPEC_NOFILE = 2 };

static inline void put16(uint8_t *p, uint32_t v) { p[0] = (uint8_t)v; p[1] = (uint8_t)(v >> 8); }
static inline void put32(uint8_t *p, uint32_t v) { put16(p, v); put16(p + 2, v >> 16); }
static inline void put64(uint8_t *p, uint64_t v) { put32(p, (uint32_t)v); put32(p + 4, (uint32_t)(v >> 32)); }
static inline uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t get32(const uint8_t *p) { return get16(p) | (uint32_t)get16(p + 2) << 16; }
static inline uint64_t get64(const uint8_t *p) { return get32(p) | (uint64_t)get32(p + 4) << 32; }
static inline void put_header(uint8_t *p, uint32_t body, uint8_t type, uint8_t flags) {
  put32(p, body); p[4] = type; p[5] = flags; put16(p + 6, 0);
}

/* system.c: what differs between platforms, and small helpers of both modes */
uint64_t now_ns(void);
uint64_t wall_ms(void);
void *reserve(size_t n);                         /* zeroed address space that costs nothing until it is touched */
void name_self(const char *name);
void become_subreaper(void);
void null_stdio(int out);
int cloexec_nonblock(int fd);
int make_pipe(int p[2]);
int signal_pipe(const int *signals, int n);      /* returns the reading end of a pipe that gets one byte a signal */
int listen_at(const char *path, bool replace);   /* 0600 socket in an owner-only folder; any length of path */
int accept_same_uid(int listener);               /* -1 also when the peer is another user (EPERM) */
bool is_shortage(int err);                       /* no descriptor or memory for one more connection */
#define DEAF (100 * MS)                          /* how long a listener then rests: it would be readable all the while */
void wait_fds(struct pollfd *p, int n, uint64_t until); /* poll until a time (0 = for ever), to the microsecond where it can */
void reset_signals(void);
void close_from(int lowest);

/* spec.c: what to start, and starting it */
struct spec {
  uint32_t mode, cols, rows, umask, flags, ring, input;
  int64_t soft, hard;
  char *cwd, *socket, **argv, **envp;
  void *map;
  size_t map_len;
};
int spec_read(const char *path, struct spec *s); /* 0, and the file is removed; or errno */
void spec_free(struct spec *s);
struct failure { int err; char step[16]; };
int child_start(const struct spec *s, int in, int out, int err, int master, struct failure *f); /* pid or -1 */
extern int oom_before; /* oom_score_adj to give back to children, or INT_MIN */

/* ring.c: retained output of one stream, with the times at which it was read */
enum { MARKS = 2048 };
struct ring {
  uint8_t *buf;
  uint64_t cap, start, end; /* offsets: first retained, end */
  uint64_t base;            /* the offset that lies at buf[0] */
  uint64_t touched;         /* bytes of buf that may have pages behind them */
  uint64_t *mark_off, *mark_t, spacing;
  uint32_t marks;
};
void ring_init(struct ring *r, uint64_t cap);
uint8_t *ring_room(struct ring *r, size_t *n);             /* contiguous free space at the end */
void ring_wrote(struct ring *r, size_t n, uint64_t t);
int ring_iov(const struct ring *r, uint64_t off, size_t n, struct iovec v[2]);
uint64_t ring_time(const struct ring *r, uint64_t off, uint64_t *until); /* time of off; until: end of that mark */
void ring_ack(struct ring *r, uint64_t off);
void ring_trim(struct ring *r);

/* proc.c: the process tree, as far as the platform tells it */
struct proc { pid_t pid, pgrp; char state; char comm[17]; uint64_t start; };
bool proc_stat(pid_t pid, struct proc *p);
extern struct proc tree[];
extern pid_t tree_leader;                                  /* never taken for a keeper or shim, whatever it calls itself */
int tree_list(void);                                       /* fills tree[]: living descendants, keepers and shims and theirs left out */
int tree_signal(const int *signals, int n);                /* returns how many processes there were */
void proc_waits(pid_t pid, char wchan[32], int32_t *call, uint64_t *arg);

extern const char *self_path; /* to exec this binary again */
int shim_main(const char *spec_path, int ready_fd);
int keeper_main(const char *run, const char *log, char **host_argv);
