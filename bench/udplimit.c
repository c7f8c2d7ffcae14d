/* The physical limit: what it costs this kernel to send and receive 172-byte datagrams on loopback.
 *
 *   udplimit sat   METHOD [-t SEC] [-b BATCH] [-k SOCKETS] [-s drain|drop|none]
 *       full speed
 *   udplimit paced METHOD -n STREAMS [-t SEC] [-p PERIOD_US] [-D BASE]
 *       N streams x 50 packets a second; CPU of the sender (-D: to ports BASE..BASE+N-1)
 *   udplimit relay METHOD -n PAIRS -B BASE [-t SEC] [-p PERIOD_US]
 *       forwarder for `rtpload pairs`, peers learned; -p 0 forwards at once: the floor of `bridge`
 *   udplimit hold  METHOD -n CALLERS -B BASE [-t SEC]
 *       each port reads its caller's 50 packets and sends 50, one pass a 20 ms tick: the floor of `hold`
 *
 * Methods: sendto sendmmsg send uring gso; relay: epoll uring; hold: send uring.
 */
#include "bench.h"
#include <linux/filter.h>
#include <liburing.h>
#include <pthread.h>
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
static volatile sig_atomic_t stop;
static void on_alarm(int s) {
    (void)s;
    stop = 1;
}
static int64_t thr_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * SEC + t.tv_nsec;
}
static int nsink = 1, batch = 64, nsock = 1;
static int sinkfd[4096];
static uint16_t sinkport[4096];
static volatile uint64_t rxn, rxdrops;
static volatile int64_t rxcpu;
static const char *rxm = "mmsg";
static int rxcore = -1, txcore = -1;
static bool gro;
static void pin(int c) {
    if (c < 0) return;
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(c, &s);
    sched_setaffinity(0, sizeof s, &s);
}
static void *rx_thread(void *u) { // drains sink 0 as fast as it can; counts its own CPU
    (void)u;
    pin(rxcore);
    static struct mmsghdr mm[64];
    static struct iovec iv[64];
    static uint8_t buf[64][65536 / 1];
    int fd = sinkfd[0];
    fcntl(fd, F_SETFL, 0);
    struct timeval tv = {0, 100000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    if (gro) {
        int one = 1;
        setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one);
    }
    int64_t c0 = thr_ns();
    uint64_t n = 0;
    while (!stop) {
        if (!strcmp(rxm, "recv")) {
            int r = recv(fd, buf[0], 2048, 0);
            if (r > 0) n++;
        } else {
            for (int i = 0; i < 64; i++) {
                iv[i].iov_base = buf[i];
                iv[i].iov_len = gro ? 65535 : 2048;
                mm[i].msg_hdr = (struct msghdr){NULL, 0, &iv[i], 1, NULL, 0, 0};
            }
            int r = recvmmsg(fd, mm, 64, MSG_WAITFORONE, NULL);
            for (int i = 0; i < r; i++)
                n += gro ? (mm[i].msg_len + PKT - 1) / PKT : 1;
        }
        rxn = n;
        rxcpu = thr_ns() - c0;
    }
    return NULL;
}
// A held caller's next packet: the receiver needs a sequence to measure the gaps.
static void rtp_header(uint8_t *p, leg *l) {
    uint16_t seq = htons(++l->seq);
    uint32_t ts = htonl(l->ts += 160), ssrc = htonl(l->lport);
    p[0] = 0x80;
    p[1] = 8;
    memcpy(p + 2, &seq, 2);
    memcpy(p + 4, &ts, 4);
    memcpy(p + 8, &ssrc, 4);
}
static uint8_t pkt[PKT];
static uint8_t big[PKT * 64];
int main(int argc, char **argv) {
    if (argc < 3) DIE("usage: see the head of udplimit.c");
    const char *mode = argv[1], *m = argv[2];
    double secs = 2;
    int n = 100, base = 52000, period = 20000, dbase = 0;
    const char *sink = "drain";
    int c;
    optind = 3;
    while ((c = getopt(argc, argv, "t:b:k:s:n:p:R:X:T:gr:B:D:")) != -1)
        switch (c) {
        case 't': secs = atof(optarg); break;
        case 'b': batch = atoi(optarg); break;
        case 'k': nsock = atoi(optarg); break;
        case 's': sink = optarg; break;
        case 'n': n = atoi(optarg); break;
        case 'p': period = atoi(optarg); break;
        case 'R': rxm = optarg; break;
        case 'X': rxcore = atoi(optarg); break;
        case 'T': txcore = atoi(optarg); break;
        case 'g': gro = true; break;
        case 'B': base = atoi(optarg); break;
        case 'D': dbase = atoi(optarg); break;
        default: return 2;
        }
    if (secs > 60) DIE("at most 60 s");
    raise_nofile();
    signal(SIGALRM, on_alarm);
    signal(SIGTERM, on_alarm);
    signal(SIGINT, on_alarm);
    memset(pkt, 0xd5, PKT);
    pkt[0] = 0x80;
    pkt[1] = 8;
    if (batch > 1024) batch = 1024;
    bool relay = !strcmp(mode, "relay") || !strcmp(mode, "hold"), paced = !strcmp(mode, "paced");
    if (paced) nsock = n;
    bool one = !strcmp(m, "sendto") || !strcmp(m, "sendmmsg") || !strcmp(m, "gso");
    if (one && !paced) nsock = 1;
    struct io_uring ring;
    bool ur = !strcmp(m, "uring");
    if (ur) {
        struct io_uring_params p = {0};
        p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN;
        int r = io_uring_queue_init_params(2048, &ring, &p);
        if (r < 0) {
            memset(&p, 0, sizeof p);
            r = io_uring_queue_init_params(2048, &ring, &p);
        }
        if (r < 0) DIE("io_uring: %s", strerror(-r));
    }
    if (!relay) {
        // sink: a socket that is drained by a thread, or one whose filter drops every packet in softirq (no
        // queue, no reader)
        sinkfd[0] = udp_bind("127.0.0.1", 0, 8 << 20, &sinkport[0]);
        int z = 0;
        setsockopt(sinkfd[0], SOL_SOCKET, SO_TIMESTAMPNS, &z, sizeof z);
        if (!strcmp(sink, "drop")) {
            struct sock_filter f = {BPF_RET | BPF_K, 0, 0, 0};
            struct sock_fprog pr = {1, &f};
            if (setsockopt(sinkfd[0], SOL_SOCKET, SO_ATTACH_FILTER, &pr, sizeof pr)) DIE("filter");
        }
        pthread_t t;
        bool th = !strcmp(sink, "drain");
        if (th) pthread_create(&t, NULL, rx_thread, NULL);
        pin(txcore);
        struct sockaddr_in d = addr_of("127.0.0.1", sinkport[0]);
        int fd[8192];
        if (nsock > 8192) nsock = 8192;
        int nfd = one ? 1 : nsock;
        for (int i = 0; i < nfd; i++) {
            fd[i] = udp_bind("127.0.0.1", 0, 0, NULL);
            if (!one || !strcmp(m, "gso")) {
                struct sockaddr_in q = d;
                if (dbase) q.sin_port = htons(dbase + i);
                connect(fd[i], (void *)&q, sizeof q);
            }
            fcntl(fd[i], F_SETFL, 0);
        }
        if (ur) {
            if (io_uring_register_files(&ring, fd, nfd)) {
            }
        }
        static struct mmsghdr mm[1024];
        static struct iovec iv[1024];
        for (int i = 0; i < 1024; i++) {
            iv[i].iov_base = pkt;
            iv[i].iov_len = PKT;
            mm[i].msg_hdr = (struct msghdr){&d, sizeof d, &iv[i], 1, NULL, 0, 0};
            if (dbase) {
                static struct sockaddr_in q[1024];
                q[i] = d;
                q[i].sin_port = htons(dbase + i % n);
                mm[i].msg_hdr.msg_name = &q[i];
            }
        }
        int seg = batch > 64 ? 64 : batch;
        char ctl[64];
        struct msghdr gm = {0};
        struct iovec gi = {big, (size_t)PKT * seg};
        memset(ctl, 0, sizeof ctl);
        gm.msg_iov = &gi;
        gm.msg_iovlen = 1;
        gm.msg_control = ctl;
        gm.msg_controllen = CMSG_SPACE(2);
        struct cmsghdr *ch = CMSG_FIRSTHDR(&gm);
        ch->cmsg_level = SOL_UDP;
        ch->cmsg_type = UDP_SEGMENT;
        ch->cmsg_len = CMSG_LEN(2);
        *(uint16_t *)CMSG_DATA(ch) = PKT;
        uint64_t sent = 0, err = 0;
        snap a, b;
        snap_take(&a);
        int64_t w0 = now_ns(), c0 = thr_ns(), end = w0 + (int64_t)(secs * SEC);
        uint64_t iter = 0;
        struct rusage r0, r1;
        getrusage(RUSAGE_THREAD, &r0);
        int64_t next = w0;
        int rr = 0;
        while (!stop) {
            int todo; // packets this round
            if (paced) {
                next += (int64_t)period * 1000;
                if (next - (int64_t)period * 1000 > end) break;
                sleep_until(next);
                double per = (double)n * period / 20000.0;
                static double acc;
                acc += per;
                todo = (int)acc;
                acc -= todo;
            } else {
                todo = batch;
                if (now_ns() > end) break;
                if (!strcmp(m, "sendto") || !strcmp(m, "send")) todo = 64;
            }
            iter++;
            if (!strcmp(m, "sendto"))
                for (int i = 0; i < todo; i++) {
                    if (sendto(fd[0], pkt, PKT, 0, (void *)&d, sizeof d) == PKT)
                        sent++;
                    else
                        err++;
                }
            else if (!strcmp(m, "send"))
                for (int i = 0; i < todo; i++) {
                    if (send(fd[rr], pkt, PKT, 0) == PKT)
                        sent++;
                    else
                        err++;
                    if (++rr == nfd) rr = 0;
                }
            else if (!strcmp(m, "sendmmsg")) {
                int left = todo;
                while (left > 0) {
                    int k = sendmmsg(fd[0], mm, left > 1024 ? 1024 : left, 0);
                    if (k <= 0) {
                        err++;
                        break;
                    }
                    sent += k;
                    left -= k;
                }
            } else if (!strcmp(m, "gso")) {
                int left = todo;
                while (left > 0) {
                    int k = left > seg ? seg : left;
                    gi.iov_len = (size_t)PKT * k;
                    if (sendmsg(fd[0], &gm, 0) < 0) {
                        err++;
                        break;
                    }
                    sent += k;
                    left -= k;
                }
            } else if (ur) {
                int left = todo;
                while (left > 0) {
                    int k = left > 1024 ? 1024 : left;
                    for (int i = 0; i < k; i++) {
                        struct io_uring_sqe *s = io_uring_get_sqe(&ring);
                        io_uring_prep_send(s, rr, pkt, PKT, 0);
                        s->flags |= IOSQE_FIXED_FILE;
                        if (++rr == nfd) rr = 0;
                    }
                    io_uring_submit_and_wait(&ring, k);
                    struct io_uring_cqe *cq;
                    unsigned hd, cnt = 0;
                    io_uring_for_each_cqe(&ring, hd, cq) {
                        if (cq->res == PKT)
                            sent++;
                        else
                            err++;
                        cnt++;
                    }
                    io_uring_cq_advance(&ring, cnt);
                    left -= k;
                }
            } else
                DIE("method?");
        }
        int64_t w1 = now_ns(), c1 = thr_ns();
        getrusage(RUSAGE_THREAD, &r1);
        snap_take(&b);
        uint64_t got = rxn;
        int64_t rc = rxcpu;
        stop = 1;
        if (th) pthread_join(t, NULL);
        double wall = (w1 - w0) / 1e9;
        printf("{\"mode\":\"%s\",\"method\":\"%s\",\"sockets\":%d,\"batch\":%d,\"sink\":\"%s\",\"sent\":%llu,"
               "\"err\":%llu,\"pps_wall\":%.0f,\"tx_cpu_ns_per_pkt\":%.1f,\"tx_pps_per_core\":%.0f,\"tx_cpu_"
               "pct\":%.3f,\"rounds\":%llu,\"rx\":%llu,\"rx_cpu_ns_per_pkt\":%.1f,\"rx_method\":\"%s%s\","
               "\"nvcsw\":%ld,\"nivcsw\":%ld,",
               mode, m, nfd, batch, sink, (unsigned long long)sent, (unsigned long long)err, sent / wall,
               (double)(c1 - c0) / sent, sent * 1e9 / (c1 - c0), 100.0 * (c1 - c0) / (w1 - w0),
               (unsigned long long)iter, (unsigned long long)got, got ? (double)rc / got : 0.0, rxm,
               gro ? "+gro" : "", r1.ru_nvcsw - r0.ru_nvcsw, r1.ru_nivcsw - r0.ru_nivcsw);
        if (paced)
            printf("\"streams\":%d,\"cpu_pct_per_stream\":%.5f,", n, 100.0 * (c1 - c0) / (w1 - w0) / n);
        snap_json(stdout, &a, &b);
        printf("}\n");
        return 0;
    }
    // relay: 2n ports from BASE; port 2i <-> 2i+1; destination learned from the first packet on the other
    // side
    int N = 2 * n;
    leg *V = calloc(N, sizeof *V);
    int ep = epoll_create1(0);
    for (int i = 0; i < N; i++) {
        V[i].fd = udp_bind("127.0.0.1", base + i, 0, NULL);
        int z = 0;
        setsockopt(V[i].fd, SOL_SOCKET, SO_TIMESTAMPNS, &z, sizeof z);
        struct epoll_event e = {EPOLLIN, {.u32 = i}};
        epoll_ctl(ep, EPOLL_CTL_ADD, V[i].fd, &e);
    }
    if (!strcmp(mode, "hold")) { // the first n ports hold one caller each: in one pass a tick read what came
                                 // (one packet is due), send the next
        int64_t t0 = now_ns(), t1 = t0 + (int64_t)(secs * SEC), nx = t0;
        uint8_t *out_rtp = malloc((size_t)n * PKT);
        memset(out_rtp, 0xd5, (size_t)n * PKT);
        uint64_t in = 0, out = 0;
        static uint8_t rb[256];
        while (!stop && nx < t1) {
            nx += 20 * MS;
            sleep_until(nx);
            int q = 0;
            for (int i = 0; i < n; i++) {
                leg *l = &V[i];
                ssize_t r;
                if (!l->tx) {
                    struct sockaddr_in a;
                    socklen_t sl = sizeof a;
                    r = recvfrom(l->fd, rb, 256, MSG_DONTWAIT, (void *)&a, &sl);
                    if (r > 0) {
                        connect(l->fd, (void *)&a, sizeof a);
                        l->tx = true;
                        in++;
                    }
                } else {
                    r = recv(l->fd, rb, 256, MSG_DONTWAIT);
                    if (r > 0) in++;
                }
                if (!l->tx) continue;
                uint8_t *p = out_rtp + i * PKT; // a packet of its own: io_uring reads it only at submission
                rtp_header(p, l);
                if (ur) {
                    struct io_uring_sqe *e = io_uring_get_sqe(&ring);
                    io_uring_prep_send(e, l->fd, p, PKT, 0);
                    q++;
                } else if (send(l->fd, p, PKT, MSG_DONTWAIT) == PKT)
                    out++;
            }
            if (q) {
                io_uring_submit_and_wait(&ring, q);
                struct io_uring_cqe *cq;
                unsigned hd, cnt = 0;
                io_uring_for_each_cqe(&ring, hd, cq) {
                    if (cq->res > 0) out++;
                    cnt++;
                }
                io_uring_cq_advance(&ring, cnt);
            }
        }
        fprintf(stderr, "{\"in\":%llu,\"out\":%llu}\n", (unsigned long long)in, (unsigned long long)out);
        return 0;
    }
    int64_t end = now_ns() + (int64_t)(secs * SEC), c0 = thr_ns(), w0 = now_ns(), next = w0;
    uint64_t fw = 0;
    struct epoll_event ev[2048];
    static uint8_t buf[1024][256];
    while (!stop && now_ns() < end) {
        if (period) {
            next += (int64_t)period * 1000;
            if (next < now_ns() - 100 * MS) next = now_ns();
            sleep_until(next);
        }
        int r = epoll_wait(ep, ev, 1024, period ? 0 : 100);
        int q = 0;
        for (int i = 0; i < r; i++) {
            int k = ev[i].data.u32;
            leg *l = &V[k], *o = &V[k ^ 1];
            ssize_t s;
            if (!l->tx) {
                struct sockaddr_in a;
                socklen_t sl = sizeof a;
                s = recvfrom(l->fd, buf[q], 256, MSG_DONTWAIT, (void *)&a, &sl);
                if (s > 0) {
                    connect(l->fd, (void *)&a, sizeof a);
                    l->tx = true;
                }
            } else
                s = recv(l->fd, buf[q], 256, MSG_DONTWAIT);
            if (s <= 0 || !o->tx) continue;
            if (ur) {
                struct io_uring_sqe *e = io_uring_get_sqe(&ring);
                io_uring_prep_send(e, o->fd, buf[q], s, 0);
                q++;
            } else if (send(o->fd, buf[q], s, MSG_DONTWAIT) == s)
                fw++;
        }
        if (ur && q) {
            io_uring_submit_and_wait(&ring, q);
            struct io_uring_cqe *cq;
            unsigned hd, cnt = 0;
            io_uring_for_each_cqe(&ring, hd, cq) {
                if (cq->res > 0) fw++;
                cnt++;
            }
            io_uring_cq_advance(&ring, cnt);
        }
    }
    int64_t c1 = thr_ns();
    fprintf(stderr, "{\"forwarded\":%llu,\"cpu_ns_per_forward\":%.1f}\n", (unsigned long long)fw,
            fw ? (double)(c1 - c0) / fw : 0);
    return 0;
}
