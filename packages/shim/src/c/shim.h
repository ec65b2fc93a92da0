/* The state of one session, shared by input.c, link.c and shim.c. There is one session a process, so it is one global. */
#pragma once
#include "holdfast.h"

enum { QUEUE = 1024, RESULTS = 4096, CONNS = 4, IN_BUF = HEADER + 16 + MAX_PAYLOAD, OUT_BUF = 96 * 1024, OUT_SOFT = 16 * 1024 };
enum { Q_INPUT, Q_EOF };

struct entry { uint64_t seq; uint32_t tag, len, written; uint8_t kind, secret; };
struct result { uint64_t seq, offset, time; uint32_t bytes; uint8_t status, refusal, secret; };

/* One socket. It is greeting until a valid HELLO, then the link (S.link), then dying: what is in `out` is still sent, and what
 * comes is thrown away until the peer closes; closing first would turn its next write into an error that hides our last frame. */
struct conn {
  int fd;
  bool greeted, dying, said_all, exit_sent;
  uint64_t deadline;       /* greeting and dying connections only */
  uint8_t *in, *out;
  uint32_t in_len, out_len, in_hw, out_hw;
  uint32_t results_sent;   /* of S.results, from the front */
  /* the output frame under way: header, then bytes that still lie in the ring */
  uint8_t head[HEADER + 16];
  uint32_t head_len, head_sent, body_left;
  int stream;
  uint64_t body_off;
  uint64_t sent[3];
  bool closed_sent[3];
  int turn;
};

struct session {
  struct spec spec;
  bool pty;
  pid_t pid;
  uint64_t pid_start;
  int phase;
  struct failure failure;
  uint32_t cols, rows;
  /* descriptors: master twice for a PTY, else stdin's writing end and the reading ends; `held` are the program's own ends */
  int in_fd, out_fd[3], held[3];
  struct ring ring[3];
  bool has[3], closed[3];
  /* the end: reaped → settled (everything the leader wrote has been read) */
  bool reaped, settled, exit_acked;
  uint64_t exit_end[3], past[3], quiet_since[3];
  uint32_t quiet_reads[3];
  int exit_status;
  struct rusage usage;
  uint64_t exit_time, exit_wall;
  /* input */
  uint8_t *queue_bytes;
  uint32_t queue_from, queue_to, queue_cap, queued_hw;
  struct entry *queue;
  uint32_t queue_len;
  uint64_t received, applied;
  struct result *results;
  uint32_t results_len;
  uint32_t line_len;
  bool line_lnext, input_blocked, poll_out, eof_done;
  uint64_t retry_at, retry_ns;
  /* links */
  struct conn conn[CONNS];
  struct conn *link;
  int listener;
  uint64_t deaf_until;
  /* ending */
  int end_phase; /* 0 no, 1 asked (HUP, TERM), 2 killing */
  uint64_t end_at, end_wait, trim_at;
  bool terminated, released;
};
extern struct session S;

/* input.c */
void input_enqueue(uint64_t seq, uint32_t tag, int kind, const uint8_t *p, uint32_t n);
void input_pump(bool woken_by_poll);
void input_drop(uint32_t tag, int refusal); /* 0 = all */
void input_interrupt(uint64_t seq, int key, uint8_t byte);
void settle(uint64_t seq, int status, int refusal, uint32_t bytes, bool secret);
void refuse(uint64_t seq, int refusal);
uint32_t input_waiting(void);               /* bytes in the kernel's queue, as far as it tells */
/* link.c */
void conn_open(int fd);
void conn_read(struct conn *c);
void conn_flush(struct conn *c);
bool conn_wants_read(const struct conn *c);
bool conn_wants_write(const struct conn *c);
void conn_close(struct conn *c);
void link_result_unkept(const struct result *r);
void link_frame(uint8_t type, const uint8_t *body, uint32_t n);
/* shim.c */
void end_tree(uint32_t grace_ms);
int respawn(const char *spec_path);         /* 0, or -1: not possible now */
bool release(int *living);
void trim_soon(void);
