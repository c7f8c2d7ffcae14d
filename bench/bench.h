// Shared helpers: clock, histogram, CPU sampling of watched pids, RTP legs.
#ifndef BENCH_H
#define BENCH_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000LL
#define SEC 1000000000LL
#define DIE(...)                                                                                             \
    do {                                                                                                     \
        fprintf(stderr, __VA_ARGS__);                                                                        \
        fprintf(stderr, "\n");                                                                               \
        exit(2);                                                                                             \
    } while (0)

static inline int64_t now_ns(void) { // REALTIME: same clock as SO_TIMESTAMPNS
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * SEC + t.tv_nsec;
}
static inline void sleep_until(int64_t ns) {
    struct timespec t = {ns / SEC, ns % SEC};
    while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL) == EINTR) {
    }
}

// ---------- histogram: linear, 1 us buckets up to 2 s
typedef struct {
    uint64_t n;
    int64_t max;
    double sum;
    uint32_t *b;
} hist;
#define HB 2000000
static inline void hist_add(hist *h, int64_t ns) {
    if (!h->b) h->b = calloc(HB, 4);
    if (ns < 0) ns = 0;
    int64_t u = ns / 1000;
    if (u >= HB) u = HB - 1;
    h->b[u]++;
    h->n++;
    h->sum += ns;
    if (ns > h->max) h->max = ns;
}
static inline double hist_pct(hist *h, double p) { // ms
    if (!h->n) return -1;
    uint64_t want = (uint64_t)(p * h->n);
    if (want >= h->n) want = h->n - 1;
    uint64_t c = 0;
    for (int i = 0; i < HB; i++) {
        c += h->b[i];
        if (c > want) {
            if (i == HB - 1) return h->max / 1e6;
            return (i + 0.5) / 1000.0;
        }
    }
    return h->max / 1e6;
}
static inline void hist_json(FILE *f, const char *name, hist *h) {
    if (!h->n) {
        fprintf(f, "\"%s\":null", name);
        return;
    }
    fprintf(
        f,
        "\"%s\":{\"n\":%llu,\"mean\":%.4f,\"p50\":%.4f,\"p90\":%.4f,\"p99\":%.4f,\"p999\":%.4f,\"max\":%.4f}",
        name, (unsigned long long)h->n, h->sum / h->n / 1e6, hist_pct(h, .5), hist_pct(h, .9),
        hist_pct(h, .99), hist_pct(h, .999), h->max / 1e6);
}

// ---------- CPU sampling
#define MAXW 8
typedef struct {
    char name[32];
    pid_t pid;
} watch_t;
static watch_t watches[MAXW];
static int nwatch;
typedef struct {
    int64_t wall;
    double sys[8];
    struct {
        int64_t cpu;
        double ut, st;
        long rss, anon;
        int thr;
    } w[MAXW];
    int64_t self;
} snap;
static inline void watch_add(const char *s) { // NAME=PID
    const char *e = strchr(s, '=');
    if (!e || nwatch >= MAXW) DIE("--watch NAME=PID");
    snprintf(watches[nwatch].name, 32, "%.*s", (int)(e - s), s);
    watches[nwatch++].pid = atoi(e + 1);
}
static inline void snap_take(snap *s) {
    memset(s, 0, sizeof *s);
    s->wall = now_ns();
    for (int i = 0; i < nwatch; i++) {
        clockid_t c;
        struct timespec t;
        char p[64], buf[4096];
        if (!clock_getcpuclockid(watches[i].pid, &c) && !clock_gettime(c, &t))
            s->w[i].cpu = t.tv_sec * SEC + t.tv_nsec;
        snprintf(p, 64, "/proc/%d/stat", watches[i].pid);
        FILE *f = fopen(p, "r");
        if (f) {
            if (fgets(buf, sizeof buf, f)) {
                char *q = strrchr(buf, ')');
                unsigned long ut = 0, st = 0;
                int thr = 0;
                if (q)
                    sscanf(q + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %d",
                           &ut, &st, &thr);
                s->w[i].ut = ut / 100.0;
                s->w[i].st = st / 100.0;
                s->w[i].thr = thr;
            }
            fclose(f);
        }
        snprintf(p, 64, "/proc/%d/status", watches[i].pid);
        if ((f = fopen(p, "r"))) {
            while (fgets(buf, sizeof buf, f)) {
                sscanf(buf, "VmRSS: %ld", &s->w[i].rss);
                sscanf(buf, "RssAnon: %ld", &s->w[i].anon);
            }
            fclose(f);
        }
    }
    FILE *f = fopen("/proc/stat", "r");
    if (f) {
        if (fscanf(f, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", s->sys, s->sys + 1, s->sys + 2, s->sys + 3,
                   s->sys + 4, s->sys + 5, s->sys + 6, s->sys + 7) != 8) {
        }
        fclose(f);
    }
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    s->self = t.tv_sec * SEC + t.tv_nsec;
}
static inline void snap_json(FILE *f, snap *a, snap *b) {
    double wall = (b->wall - a->wall) / 1e9;
    double busy = 0;
    for (int i = 0; i < 8; i++)
        if (i != 3 && i != 4 && i != 7) busy += b->sys[i] - a->sys[i];
    fprintf(f,
            "\"cpu\":{\"wall_s\":%.3f,\"loadgen_pct\":%.2f,\"system_busy_pct\":%.1f,\"irq_softirq_pct\":%.1f,"
            "\"steal_pct\":%.1f",
            wall, 100.0 * (b->self - a->self) / 1e9 / wall, busy / wall,
            (b->sys[5] - a->sys[5] + b->sys[6] - a->sys[6]) / wall, (b->sys[7] - a->sys[7]) / wall);
    for (int i = 0; i < nwatch; i++)
        fprintf(f,
                ",\"%s\":{\"pct\":%.3f,\"cpu_s\":%.4f,\"user_pct\":%.2f,\"sys_pct\":%.2f,\"rss_kb\":%ld,"
                "\"anon_kb\":%ld,\"threads\":%d}",
                watches[i].name, 100.0 * (b->w[i].cpu - a->w[i].cpu) / 1e9 / wall,
                (b->w[i].cpu - a->w[i].cpu) / 1e9, 100 * (b->w[i].ut - a->w[i].ut) / wall,
                100 * (b->w[i].st - a->w[i].st) / wall, b->w[i].rss, b->w[i].anon, b->w[i].thr);
    fprintf(f, "}");
}

// ---------- addresses
static inline struct sockaddr_in addr_of(const char *ip, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, ip, &a.sin_addr) != 1) DIE("bad ip %s", ip);
    if ((ntohl(a.sin_addr.s_addr) >> 24) != 127)
        DIE("only 127.0.0.0/8 is allowed as an address (got %s)", ip);
    return a;
}
static inline struct sockaddr_in addr_parse(const char *s) {
    char ip[64];
    const char *c = strchr(s, ':');
    if (!c) DIE("want IP:PORT, got %s", s);
    snprintf(ip, 64, "%.*s", (int)(c - s), s);
    return addr_of(ip, atoi(c + 1));
}
static inline int udp_bind(const char *ip, int port, int rcvbuf, uint16_t *got) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0) DIE("socket: %s", strerror(errno));
    struct sockaddr_in a = addr_of(ip, port);
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    if (rcvbuf) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    if (bind(fd, (void *)&a, sizeof a)) DIE("bind %s:%d: %s", ip, port, strerror(errno));
    socklen_t l = sizeof a;
    getsockname(fd, (void *)&a, &l);
    if (got) *got = ntohs(a.sin_port);
    return fd;
}
static inline void raise_nofile(void) {
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
}

// ---------- RTP legs
#define PKT 172
#define STAMP 0x48424e4348303144ULL // marks payloads that carry our send time
typedef struct leg {
    int fd;
    uint16_t lport;
    struct sockaddr_in dst;
    bool tx, used;
    uint32_t ssrc, ts;
    uint16_t seq;
    int slot;
    int64_t last_rx;
    uint32_t rssrc;
    uint16_t rseq;
    bool rhave;
    uint64_t rx, tx_n, rxw, lostw, oow, txw, ssrc_changes;
    int64_t first_rx, first_stamp, last_stamp_rx;
    int64_t worst;
    struct sockaddr_in from;
    void *owner;
} leg;
static hist h_jit, h_lat;
static bool in_window;
static uint64_t tx_err, rx_short;
static const char *rtp_ip = "127.0.0.1";
static int rtp_pt = 8;
static uint64_t rtp_limit; // 0: no limit, else packets a leg sends

static inline void leg_open(leg *l, int port) {
    memset(l, 0, sizeof *l);
    l->fd = udp_bind(rtp_ip, port, 0, &l->lport);
    l->used = true;
    l->ssrc = (uint32_t)random();
    l->seq = random();
    l->ts = random();
}
static inline void leg_send(leg *l) {
    if (rtp_limit && l->tx_n >= rtp_limit) return;
    uint8_t p[PKT];
    int64_t n = now_ns();
    uint64_t m = STAMP;
    p[0] = 0x80;
    p[1] = rtp_pt | (l->tx_n == 0 ? 0x80 : 0);
    l->seq++;
    l->ts += 160;
    uint16_t s = htons(l->seq);
    uint32_t t = htonl(l->ts), ss = htonl(l->ssrc);
    memcpy(p + 2, &s, 2);
    memcpy(p + 4, &t, 4);
    memcpy(p + 8, &ss, 4);
    memset(p + 12, 0xd5, 160);
    memcpy(p + 12, &m, 8);
    memcpy(p + 20, &n, 8);
    if (sendto(l->fd, p, PKT, MSG_DONTWAIT, (void *)&l->dst, sizeof l->dst) != PKT) tx_err++;
    l->tx_n++;
    if (in_window) l->txw++;
}
static inline void leg_packet(leg *l, const uint8_t *p, int n, int64_t ts) {
    if (n < 12 || (p[0] >> 6) != 2) {
        rx_short++;
        return;
    }
    int pt = p[1] & 127;
    if (pt >= 64 && pt < 96) return; // RTCP muxed
    uint16_t s;
    uint32_t ss;
    memcpy(&s, p + 2, 2);
    memcpy(&ss, p + 8, 4);
    s = ntohs(s);
    ss = ntohl(ss);
    if (!l->first_rx) l->first_rx = ts;
    if (l->rhave && ss == l->rssrc) {
        int16_t d = (int16_t)(s - l->rseq);
        if (d == 1) {
            if (in_window && l->last_rx) {
                int64_t dv = llabs((ts - l->last_rx) - 20 * MS);
                hist_add(&h_jit, dv);
                if (dv > l->worst) l->worst = dv;
            }
            l->rseq = s;
        } else if (d > 1) {
            if (in_window) l->lostw += d - 1;
            l->rseq = s;
        } else if (in_window)
            l->oow++;
    } else {
        if (l->rhave) l->ssrc_changes++;
        l->rhave = true;
        l->rssrc = ss;
        l->rseq = s;
    }
    l->last_rx = ts;
    l->rx++;
    if (in_window) l->rxw++;
    uint64_t m;
    int64_t t0;
    if (n >= 28) {
        memcpy(&m, p + 12, 8);
        if (m == STAMP) {
            memcpy(&t0, p + 20, 8);
            if (!l->first_stamp) l->first_stamp = ts;
            l->last_stamp_rx = ts;
            if (in_window) hist_add(&h_lat, ts - t0);
        }
    }
}
// Drain one socket. cb gets every datagram with its kernel arrival time. Returns count.
#define VL 16
static inline int drain(int fd, void (*cb)(void *, uint8_t *, int, int64_t, struct sockaddr_in *), void *u) {
    static struct mmsghdr mm[VL];
    static struct iovec iv[VL];
    static uint8_t buf[VL][8192];
    static char ctl[VL][128];
    static struct sockaddr_in sa[VL];
    int total = 0;
    for (;;) {
        for (int i = 0; i < VL; i++) {
            iv[i].iov_base = buf[i];
            iv[i].iov_len = 8191;
            mm[i].msg_hdr = (struct msghdr){&sa[i], sizeof sa[i], &iv[i], 1, ctl[i], sizeof ctl[i], 0};
        }
        int r = recvmmsg(fd, mm, VL, MSG_DONTWAIT, NULL);
        if (r <= 0) return total;
        for (int i = 0; i < r; i++) {
            int64_t ts = 0;
            for (struct cmsghdr *c = CMSG_FIRSTHDR(&mm[i].msg_hdr); c; c = CMSG_NXTHDR(&mm[i].msg_hdr, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
                    struct timespec t;
                    memcpy(&t, CMSG_DATA(c), sizeof t);
                    ts = t.tv_sec * SEC + t.tv_nsec;
                }
            if (!ts) ts = now_ns();
            buf[i][mm[i].msg_len] = 0;
            cb(u, buf[i], mm[i].msg_len, ts, &sa[i]);
        }
        total += r;
        if (r < VL) return total;
    }
}
static void leg_cb(void *u, uint8_t *p, int n, int64_t ts, struct sockaddr_in *a) {
    leg *l = u;
    l->from = *a;
    leg_packet(l, p, n, ts);
}

// 20 slots of 1 ms: a leg sends once every 20 ms, legs are spread over the slots
typedef struct {
    leg **v;
    int n, cap;
} slotv;
static slotv slots[20];
static int slot_rr;
static inline void leg_start(leg *l) {
    if (l->tx) return;
    l->tx = true;
    l->slot = slot_rr++ % 20;
    slotv *s = &slots[l->slot];
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->v = realloc(s->v, s->cap * sizeof *s->v);
    }
    s->v[s->n++] = l;
}
static inline void leg_stop(leg *l) {
    if (!l->tx) return;
    l->tx = false;
    slotv *s = &slots[l->slot];
    for (int i = 0; i < s->n; i++)
        if (s->v[i] == l) {
            s->v[i] = s->v[--s->n];
            break;
        }
}
static inline void slots_send(int64_t tick) {
    slotv *s = &slots[tick % 20];
    for (int i = 0; i < s->n; i++)
        leg_send(s->v[i]);
}

static int cmp_d(const void *a, const void *b) {
    double x = *(double *)a, y = *(double *)b;
    return x < y ? -1 : x > y;
}
static inline void legs_json(FILE *f, const char *name, leg **L, int n, double wall) {
    double *v = malloc((n + 1) * sizeof *v);
    uint64_t rx = 0, lost = 0, oo = 0, tx = 0, zero = 0, chg = 0;
    for (int i = 0; i < n; i++) {
        v[i] = L[i]->rxw / wall;
        rx += L[i]->rxw;
        lost += L[i]->lostw;
        oo += L[i]->oow;
        tx += L[i]->txw;
        if (!L[i]->rxw) zero++;
        chg += L[i]->ssrc_changes;
    }
    qsort(v, n, sizeof *v, cmp_d);
    fprintf(f,
            "\"%s\":{\"legs\":%d,\"rx_pps\":%.1f,\"tx_pps\":%.1f,\"rx\":%llu,\"tx\":%llu,\"silent_legs\":%"
            "llu,\"leg_pps_min\":%.2f,\"leg_pps_med\":%.2f,\"leg_pps_max\":%.2f,\"lost\":%llu,\"out_of_"
            "order\":%llu,\"ssrc_changes\":%llu,\"tx_err\":%llu}",
            name, n, rx / wall, tx / wall, (unsigned long long)rx, (unsigned long long)tx,
            (unsigned long long)zero, n ? v[0] : 0, n ? v[n / 2] : 0, n ? v[n - 1] : 0,
            (unsigned long long)lost, (unsigned long long)oo, (unsigned long long)chg,
            (unsigned long long)tx_err);
    free(v);
}
#endif
