// RTP load: sink | gen | echo | pairs | relay.  Loopback only (addr_of refuses others). See README.
#include "bench.h"
static int ep;
static int64_t warm = 1 * SEC, dur = 10 * SEC;
static volatile sig_atomic_t stop;
static void on_sig(int s) {
    (void)s;
    stop = 1;
}
static void add(int fd, void *p) {
    struct epoll_event e = {EPOLLIN, {.ptr = p}};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)) DIE("epoll_ctl");
}
static leg **L;
static int nl;

// ---- sink: one port, streams told apart by source address and SSRC
#define HS 65536
static leg *tab[HS];
static void sink_cb(void *u, uint8_t *p, int n, int64_t ts, struct sockaddr_in *a) {
    (void)u;
    if (n < 12) return;
    uint32_t ss;
    memcpy(&ss, p + 8, 4);
    uint32_t h = (ss * 2654435761u ^ a->sin_port * 40503u) % HS;
    while (tab[h] && !(tab[h]->ssrc == ss && tab[h]->from.sin_port == a->sin_port))
        h = (h + 1) % HS;
    if (!tab[h]) {
        tab[h] = calloc(1, sizeof(leg));
        tab[h]->ssrc = ss;
        tab[h]->from = *a;
        L = realloc(L, (nl + 1) * sizeof *L);
        L[nl++] = tab[h];
    }
    leg_packet(tab[h], p, n, ts);
}
static void echo_cb(void *u, uint8_t *p, int n, int64_t ts, struct sockaddr_in *a) {
    (void)ts;
    sendto(*(int *)u, p, n, MSG_DONTWAIT, (void *)a, sizeof *a);
}

static void loop(bool shared_sink, int sfd) { // 1 ms ticks: sleep, send the slot, drain everything
    snap a, b;
    bool have = false;
    int64_t t0 = now_ns(), tick = 0;
    struct epoll_event ev[1024];
    while (!stop) {
        sleep_until(t0 + (tick + 1) * MS);
        int64_t n = now_ns();
        int64_t target = (n - t0) / MS;
        if (target - tick > 200) tick = target - 200;
        while (tick < target)
            slots_send(++tick);
        if (!have && n - t0 >= warm) {
            have = true;
            in_window = true;
            snap_take(&a);
        }
        if (have && n - t0 >= warm + dur) {
            in_window = false;
            snap_take(&b);
            break;
        }
        if (shared_sink)
            drain(sfd, sink_cb, NULL);
        else {
            int r;
            do {
                r = epoll_wait(ep, ev, 1024, 0);
                for (int i = 0; i < r; i++)
                    drain(((leg *)ev[i].data.ptr)->fd, leg_cb, ev[i].data.ptr);
            } while (r == 1024);
        }
    }
    if (in_window) {
        in_window = false;
        snap_take(&b);
    }
    if (!have) DIE("stopped before the window");
    double wall = (b.wall - a.wall) / 1e9;
    printf("{");
    legs_json(stdout, "rtp", L, nl, wall);
    printf(",");
    hist_json(stdout, "jitter_ms", &h_jit);
    printf(",");
    hist_json(stdout, "latency_ms", &h_lat);
    printf(",");
    snap_json(stdout, &a, &b);
    printf("}\n");
}

int main(int argc, char **argv) {
    if (argc < 2)
        DIE("usage: rtpload sink|gen|echo|pairs|relay [-l IP:PORT] [-d IP:PORT] [-n N] [-b BASE] [-f FILE] "
            "[-t SEC] [-w WARMUP] [--watch NAME=PID]");
    const char *mode = argv[1];
    int n = 1, base = 0;
    const char *lis = NULL, *dst = NULL, *file = NULL;
    bool tx = true;
    static struct option lo[] = {{"watch", 1, 0, 'W'}, {"no-tx", 0, 0, 'x'}, {0}};
    int c;
    optind = 2;
    while ((c = getopt_long(argc, argv, "l:d:n:b:f:t:w:p:", lo, NULL)) != -1)
        switch (c) {
        case 'l': lis = optarg; break;
        case 'd': dst = optarg; break;
        case 'n': n = atoi(optarg); break;
        case 'b': base = atoi(optarg); break;
        case 'f': file = optarg; break;
        case 't': dur = atof(optarg) * SEC; break;
        case 'w': warm = atof(optarg) * SEC; break;
        case 'W': watch_add(optarg); break;
        case 'p': rtp_pt = atoi(optarg); break;
        case 'x': tx = false; break;
        default: return 2;
        }
    if (dur > 120 * SEC) DIE("at most 120 s");
    raise_nofile();
    srandom(getpid());
    signal(SIGINT, on_sig);
    signal(SIGTERM, on_sig);
    ep = epoll_create1(0);
    if (!strcmp(mode, "sink")) {
        struct sockaddr_in a = addr_parse(lis);
        char ip[32];
        inet_ntop(AF_INET, &a.sin_addr, ip, 32);
        int fd = udp_bind(ip, ntohs(a.sin_port), 4 << 20, NULL);
        loop(true, fd);
    } else if (!strcmp(mode, "gen")) { // N sockets -> one destination, counts what comes back
        struct sockaddr_in a = addr_parse(dst);
        L = calloc(n, sizeof *L);
        nl = n;
        for (int i = 0; i < n; i++) {
            L[i] = calloc(1, sizeof(leg));
            leg_open(L[i], base ? base + i : 0);
            L[i]->dst = a;
            add(L[i]->fd, L[i]);
            leg_start(L[i]);
        }
        loop(false, -1);
    } else if (!strcmp(mode, "pairs")) { // FILE lines: LOCAL_A IP:PORT_A LOCAL_B IP:PORT_B  (or -d IP:BASE -n
                                         // N: remote BASE+2i / BASE+2i+1)
        if (file) {
            FILE *f = fopen(file, "r");
            if (!f) DIE("no %s", file);
            int la, lb;
            char ra[64], rb[64];
            while (fscanf(f, "%d %63s %d %63s", &la, ra, &lb, rb) == 4)
                for (int k = 0; k < 2; k++) {
                    leg *l = calloc(1, sizeof *l);
                    leg_open(l, k ? lb : la);
                    l->dst = addr_parse(k ? rb : ra);
                    L = realloc(L, (nl + 1) * sizeof *L);
                    L[nl++] = l;
                }
            fclose(f);
        } else {
            struct sockaddr_in a = addr_parse(dst);
            for (int i = 0; i < 2 * n; i++) {
                leg *l = calloc(1, sizeof *l);
                leg_open(l, base ? base + i : 0);
                l->dst = a;
                l->dst.sin_port = htons(ntohs(a.sin_port) + i);
                L = realloc(L, (nl + 1) * sizeof *L);
                L[nl++] = l;
            }
        }
        for (int i = 0; i < nl; i++) {
            add(L[i]->fd, L[i]);
            if (tx) leg_start(L[i]);
        }
        loop(false, -1);
    } else if (!strcmp(mode, "echo")) {
        struct sockaddr_in a = addr_parse(lis);
        char ip[32];
        inet_ntop(AF_INET, &a.sin_addr, ip, 32);
        int fd = udp_bind(ip, ntohs(a.sin_port), 4 << 20, NULL);
        add(fd, &fd);
        struct epoll_event ev;
        int64_t end = now_ns() + warm + dur;
        while (!stop && now_ns() < end)
            if (epoll_wait(ep, &ev, 1, 100) > 0) drain(fd, echo_cb, &fd);
    } else if (!strcmp(mode, "relay")) { // the simplest forwarder: 2N ports from BASE, port 2i <-> 2i+1,
                                         // peers learned; wakes when packets arrive
        leg *V = calloc(2 * n, sizeof *V);
        for (int i = 0; i < 2 * n; i++) {
            V[i].fd = udp_bind(rtp_ip, base + i, 0, NULL);
            add(V[i].fd, &V[i]);
        }
        struct epoll_event ev[256];
        uint8_t buf[2048];
        int64_t end = now_ns() + warm + dur;
        while (!stop && now_ns() < end) {
            int r = epoll_wait(ep, ev, 256, 100);
            for (int i = 0; i < r; i++) {
                leg *l = ev[i].data.ptr;
                int k = l - V;
                leg *o = &V[k ^ 1];
                struct sockaddr_in a;
                socklen_t sl;
                int m;
                sl = sizeof a;
                if ((m = recvfrom(l->fd, buf, sizeof buf, MSG_DONTWAIT, (void *)&a, &sl)) > 0) {
                    l->from = a;
                    if (o->from.sin_port)
                        sendto(o->fd, buf, m, MSG_DONTWAIT, (void *)&o->from, sizeof o->from);
                }
            }
        }
    } else
        DIE("mode?");
    return 0;
}
