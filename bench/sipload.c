/* SIP and RTP load: N calls to a number and, with --uas, the answering phones too. Loopback only.
 * One process plays both ends, so the delay of every packet is exact. Prints one line of JSON.
 */
#include "bench.h"
static int ep;
static volatile sig_atomic_t stop;
static void on_sig(int s) {
    (void)s;
    stop = 1;
}

// ---- options
static struct sockaddr_in server;
static char server_s[64];
static const char *exten = "100", *prefix = "+7916", *uasreg;
static int ncalls = 1, maxconc = 0, agents = 1000000, uac_port = 0, uas_port = 0, nsrc = 1;
static double rate = 50;
static int64_t hold, total, warm = 2 * SEC, dur = 10 * SEC, ans_delay, talk, talk_rand;
static int tickus = 1000;
static int src_net = 77;
static bool uac_tx, uas_tx, flood, flood_ack, no_ack, verbose, strict_window;
static const char *local_ip = "127.0.0.1";
static const char *lat_file;

// ---- counters
static uint64_t c_start, c_ans, c_done, c_fail, c_timeout, c_retr_inv, c_retr_200, c_retr_bye, c_remote_bye,
    c_code[700], c_uas_inv, c_uas_busy, c_uas_ack, c_uas_cancel, c_uas_bye, c_other, c_dup200, c_rx_msgs,
    c_flood_rx, c_noleg;
static hist h_100, h_200, h_ring, h_agent_ans, h_gap, h_media, h_bye, h_start_late;

enum { IDLE, INVITING, UP, BYEING, DONE, RINGING, ANSWERED };
typedef struct call {
    int idx, state;
    bool uas, in_list;
    int sock;
    char cid[128], from[512], to[512], contact[256], routes[1024], via[1024], rr[1024];
    char branch[48];
    uint32_t inv_cseq, cseq;
    int64_t t_inv, t_next, t_up, t_end, t_ans;
    int64_t backoff;
    int tries;
    leg m;
    bool has_media, agent_seen, media_seen, got100;
    char msg[2048];
    int msglen;
    struct sockaddr_in peer;
} call;
static call **act;
static int nact, cact;
static call **calls; // by idx
static int usock[256];
static int asock = -1;
static struct sockaddr_in uaddr[256], aaddr;
static int agents_busy;
static int64_t *freeq;
static int fh, ft;
static char runid[16];

// ---- cid -> call for the UAS
#define HS 131072
static call *htab[HS];
static uint32_t hs(const char *s) {
    uint32_t h = 2166136261u;
    while (*s)
        h = (h ^ (uint8_t)*s++) * 16777619u;
    return h % HS;
}
static call *hfind(const char *cid) {
    for (uint32_t h = hs(cid);; h = (h + 1) % HS) {
        if (!htab[h]) return NULL;
        if (htab[h] != (void *)1 && !strcmp(htab[h]->cid, cid)) return htab[h];
    }
}
static void hput(call *c) {
    uint32_t h = hs(c->cid);
    while (htab[h] && htab[h] != (void *)1)
        h = (h + 1) % HS;
    htab[h] = c;
}
static void hdel(call *c) {
    for (uint32_t h = hs(c->cid); htab[h]; h = (h + 1) % HS)
        if (htab[h] == c) {
            htab[h] = (void *)1;
            return;
        }
}

static void add_act(call *c) {
    if (nact == cact) {
        cact = cact ? cact * 2 : 64;
        act = realloc(act, cact * sizeof *act);
    }
    act[nact++] = c;
    c->in_list = true;
}
static void out(int fd, const struct sockaddr_in *to, const char *m, int n) {
    if (sendto(fd, m, n, MSG_DONTWAIT, (void *)to, sizeof *to) != n && verbose)
        fprintf(stderr, "send: %s\n", strerror(errno));
}

// ---- tiny SIP reader
static int hdr(const char *m, const char *name, const char *shrt, char *o, int osz,
               bool all) { // copies value(s); with all: whole "Name: v\r\n" lines
    int got = 0, nl = strlen(name), sl = shrt ? strlen(shrt) : 0;
    o[0] = 0;
    const char *p = strstr(m, "\r\n");
    int w = 0;
    while (p) {
        p += 2;
        if (*p == '\r' || !*p) break;
        const char *e = strstr(p, "\r\n");
        if (!e) e = p + strlen(p);
        int k = 0;
        if (!strncasecmp(p, name, nl) && (p[nl] == ':' || p[nl] == ' '))
            k = nl;
        else if (sl && !strncasecmp(p, shrt, sl) && (p[sl] == ':' || p[sl] == ' '))
            k = sl;
        if (k) {
            const char *v = p + k;
            while (*v == ' ' || *v == ':')
                v++;
            got++;
            if (all) {
                int l = snprintf(o + w, osz - w, "%s: %.*s\r\n", name, (int)(e - v), v);
                if (l > 0 && w + l < osz) w += l;
            } else {
                snprintf(o, osz, "%.*s", (int)(e - v), v);
                return 1;
            }
        }
        p = *e ? e : NULL;
    }
    return got;
}
static bool sdp_addr(const char *m, struct sockaddr_in *a) {
    const char *b = strstr(m, "\r\n\r\n");
    if (!b) return false;
    const char *c = strstr(b, "c=IN IP4 "), *p = strstr(b, "m=audio ");
    if (!c || !p) return false;
    char ip[32];
    int port;
    if (sscanf(c + 9, "%31[0-9.]", ip) != 1 || sscanf(p + 8, "%d", &port) != 1 || !port) return false;
    if (strncmp(ip, "127.", 4)) return false;
    *a = addr_of(ip, port);
    return true;
}
static void uri_of(const char *v, char *o, int n) {
    const char *l = strchr(v, '<');
    if (l) {
        const char *r = strchr(l, '>');
        if (r) {
            snprintf(o, n, "%.*s", (int)(r - l - 1), l + 1);
            return;
        }
    }
    int k = strcspn(v, ";\r\n ");
    snprintf(o, n, "%.*s", k, v);
}
static int sdp(char *o, int n, uint16_t port) {
    return snprintf(
        o, n,
        "v=0\r\no=u 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u RTP/AVP %d 101\r\na=rtpmap:%d "
        "%s/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n",
        rtp_ip, rtp_ip, port, rtp_pt, rtp_pt, rtp_pt ? "PCMA" : "PCMU");
}
static void aip(const struct sockaddr_in *a, char *o) {
    inet_ntop(AF_INET, &a->sin_addr, o, 32);
}

static void media_open(call *c) {
    leg_open(&c->m, 0);
    c->m.owner = c;
    c->has_media = true;
    struct epoll_event e = {EPOLLIN, {.ptr = &c->m}};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->m.fd, &e);
}
static void media_close(call *c) {
    if (!c->has_media) return;
    leg_stop(&c->m);
    close(c->m.fd);
    c->has_media = false;
}

// ---- UAC
static void send_invite(call *c) {
    out(usock[c->sock], &server, c->msg, c->msglen);
}
static void start_call(int idx) {
    call *c = calloc(1, sizeof *c);
    calls[idx] = c;
    c->idx = idx;
    c->sock = nsrc > 1 ? random() % nsrc : 0;
    c->cseq = c->inv_cseq = 1;
    c->peer = server;
    char ip[32], body[600];
    aip(&uaddr[c->sock], ip);
    int lp = ntohs(uaddr[c->sock].sin_port);
    uint16_t mp;
    if (flood)
        mp = 30000 + random() % 20000;
    else {
        media_open(c);
        mp = c->m.lport;
    }
    int bl = sdp(body, sizeof body, mp);
    snprintf(c->cid, sizeof c->cid, "c%d-%s@%s", idx, runid, ip);
    snprintf(c->branch, sizeof c->branch, "z9hG4bK%s%d", runid, idx);
    snprintf(c->from, sizeof c->from, "<sip:%s%07d@%s:%d>;tag=%st%d", prefix,
             flood ? (int)(random() % 10000000) : idx, ip, lp, runid, idx);
    snprintf(c->to, sizeof c->to, "<sip:%s@%s>", exten, server_s);
    c->msglen =
        snprintf(c->msg, sizeof c->msg,
                 "INVITE sip:%s@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=%s;rport\r\nMax-Forwards: "
                 "70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\nContact: "
                 "<sip:c%d@%s:%d>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
                 exten, server_s, ip, lp, c->branch, c->from, c->to, c->cid, idx, ip, lp, bl, body);
    c->state = INVITING;
    c->t_inv = now_ns();
    c->backoff = 500 * MS;
    c->t_next = c->t_inv + c->backoff;
    c->t_end = c->t_inv + 32 * SEC;
    send_invite(c);
    c_start++;
    if (flood) {
        c->state = DONE;
        return;
    }
    add_act(c);
}
static void in_dialog(call *c, const char *method,
                      uint32_t cseq) { // ACK / BYE from either side; to/from already oriented for us
    char m[4096], ip[32];
    struct sockaddr_in *l = c->uas ? &aaddr : &uaddr[c->sock];
    aip(l, ip);
    static unsigned br;
    int n = snprintf(m, sizeof m,
                     "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bKd%s%u;rport\r\nMax-Forwards: "
                     "70\r\n%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\nContent-Length: 0\r\n\r\n",
                     method, c->contact[0] ? c->contact : "sip:x", ip, ntohs(l->sin_port), runid, br++,
                     c->routes, c->from, c->to, c->cid, cseq, method);
    out(c->uas ? asock : usock[c->sock], &c->peer, m, n);
    if (!strcmp(method, "BYE") && n < (int)sizeof c->msg) {
        memcpy(c->msg, m, n);
        c->msglen = n;
    }
}
static void do_bye(call *c) {
    c->state = BYEING;
    c->cseq++;
    in_dialog(c, "BYE", c->uas ? 100 + c->cseq : c->cseq);
    c->t_ans = now_ns();
    c->backoff = 500 * MS;
    c->t_next = now_ns() + c->backoff;
    c->t_end = now_ns() + 8 * SEC;
}
static void agent_free(call *c, int64_t t) {
    (void)c;
    agents_busy--;
    freeq[ft++ % 100000] = t;
}
static void finish(call *c) {
    if (c->state == DONE) return;
    c->state = DONE;
    media_close(c);
    if (c->uas) {
        hdel(c);
    }
    c_done++;
}
static void fail(call *c, int code) {
    c_fail++;
    if (code > 0 && code < 700)
        c_code[code]++;
    else
        c_timeout++;
    finish(c);
}
static void answer(call *c, const char *req, const char *st, int sock,
                   struct sockaddr_in *to) { // generic reply to an in-dialog request
    char m[4096], via[1024], f[512], t[512], cid[128], cs[64];
    hdr(req, "Via", "v", via, sizeof via, true);
    hdr(req, "From", "f", f, sizeof f, false);
    hdr(req, "To", "t", t, sizeof t, false);
    hdr(req, "Call-ID", "i", cid, sizeof cid, false);
    hdr(req, "CSeq", NULL, cs, sizeof cs, false);
    (void)c;
    int n = snprintf(
        m, sizeof m,
        "SIP/2.0 %s\r\n%sFrom: %s\r\nTo: %s%s\r\nCall-ID: %s\r\nCSeq: %s\r\nContent-Length: 0\r\n\r\n", st,
        via, f, t, strstr(t, "tag=") ? "" : ";tag=x", cid, cs);
    out(sock, to, m, n);
}
static void reinvite_ok(call *c, const char *req, int sock, struct sockaddr_in *to) {
    char m[4096], via[1024], f[512], t[512], cs[64], body[600], ip[32];
    struct sockaddr_in *l = c->uas ? &aaddr : &uaddr[c->sock];
    aip(l, ip);
    int bl = sdp(body, sizeof body, c->m.lport);
    struct sockaddr_in a;
    if (sdp_addr(req, &a)) c->m.dst = a;
    hdr(req, "Via", "v", via, sizeof via, true);
    hdr(req, "From", "f", f, sizeof f, false);
    hdr(req, "To", "t", t, sizeof t, false);
    hdr(req, "CSeq", NULL, cs, sizeof cs, false);
    int n = snprintf(m, sizeof m,
                     "SIP/2.0 200 OK\r\n%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: "
                     "<sip:c@%s:%d>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
                     via, f, t, c->cid, cs, ip, ntohs(l->sin_port), bl, body);
    out(sock, to, m, n);
}
static int64_t *lat_v;
static int lat_n;
static void uac_msg(void *u, uint8_t *p, int n, int64_t ts, struct sockaddr_in *from) {
    int sock = (int)(intptr_t)u;
    char *m = (char *)p;
    char cid[128], cs[64];
    (void)n;
    c_rx_msgs++;
    if (n < 16) return;
    if (flood) {
        c_flood_rx++;
        if (!strncmp(m, "SIP/2.0 ", 8)) {
            int k = atoi(m + 8);
            if (k > 0 && k < 700) c_code[k]++;
            if (flood_ack &&
                k == 200) { // the bolder flooder: completes the handshake, then stays silent for ever
                static char a[2048], f[512], t[512], ci[256], q[64], ct[256], ur[256];
                char ip[32];
                uint16_t pt = ntohs(uaddr[sock].sin_port);
                aip(&uaddr[sock], ip);
                if (hdr(m, "From", "f", f, sizeof f, false) && hdr(m, "To", "t", t, sizeof t, false) &&
                    hdr(m, "Call-ID", "i", ci, sizeof ci, false) &&
                    hdr(m, "CSeq", NULL, q, sizeof q, false)) {
                    if (hdr(m, "Contact", "m", ct, sizeof ct, false))
                        uri_of(ct, ur, sizeof ur);
                    else
                        snprintf(ur, sizeof ur, "sip:%s@%s", exten, server_s);
                    int l = snprintf(a, sizeof a,
                                     "ACK %s SIP/2.0\r\nVia: SIP/2.0/UDP "
                                     "%s:%d;branch=z9hG4bKfa%llu\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: "
                                     "%s\r\nCall-ID: %s\r\nCSeq: %d ACK\r\nContent-Length: 0\r\n\r\n",
                                     ur, ip, pt, (unsigned long long)c_flood_rx, f, t, ci, atoi(q));
                    out(usock[sock], &server, a, l);
                }
            }
        }
        return;
    }
    if (!hdr(m, "Call-ID", "i", cid, sizeof cid, false)) return;
    int idx = -1;
    char rid[32] = "";
    sscanf(cid, "c%d-%31[^@]", &idx, rid);
    call *c = (idx >= 0 && idx < ncalls && !strcmp(rid, runid)) ? calls[idx] : NULL;
    if (!strncmp(m, "SIP/2.0 ", 8)) {
        int code = atoi(m + 8);
        hdr(m, "CSeq", NULL, cs, sizeof cs, false);
        if (!c) return;
        if (strstr(cs, "INVITE")) {
            if (code == 100) {
                if (!c->got100) {
                    c->got100 = true;
                    hist_add(&h_100, ts - c->t_inv);
                }
                if (c->state == INVITING) c->t_next = INT64_MAX;
                return;
            }
            if (code < 200) {
                if (c->state == INVITING) c->t_next = INT64_MAX;
                return;
            }
            if (code < 300) {
                if (c->state == INVITING) {
                    hdr(m, "To", "t", c->to, sizeof c->to, false);
                    char ct[256];
                    if (hdr(m, "Contact", "m", ct, sizeof ct, false))
                        uri_of(ct, c->contact, sizeof c->contact);
                    else
                        snprintf(c->contact, sizeof c->contact, "sip:%s@%s", exten, server_s);
                    char rr[1024];
                    int k = hdr(m, "Record-Route", NULL, rr, sizeof rr, true);
                    if (k) {
                        char *ln[8];
                        int q = 0;
                        for (char *x = strtok(rr, "\r\n"); x && q < 8; x = strtok(NULL, "\r\n"))
                            ln[q++] = x;
                        while (q--) {
                            char t[300];
                            snprintf(t, sizeof t, "Route: %s\r\n", ln[q] + 14);
                            strncat(c->routes, t, sizeof c->routes - strlen(c->routes) - 1);
                        }
                    }
                    c->state = UP;
                    c->t_up = ts;
                    c_ans++;
                    hist_add(&h_200, ts - c->t_inv);
                    if (lat_v) lat_v[lat_n++] = ts - c->t_inv;
                    c->t_end = hold ? now_ns() + hold : INT64_MAX;
                    c->t_next = INT64_MAX;
                    struct sockaddr_in a;
                    if (sdp_addr(m, &a)) {
                        c->m.dst = a;
                        if (uac_tx) leg_start(&c->m);
                    }
                } else
                    c_dup200++;
                if (!no_ack) in_dialog(c, "ACK", c->inv_cseq);
                return;
            }
            // final failure: ACK within the transaction
            if (c->state == INVITING) {
                char m2[2048], ip[32];
                aip(&uaddr[c->sock], ip);
                hdr(m, "To", "t", c->to, sizeof c->to, false);
                int k = snprintf(
                    m2, sizeof m2,
                    "ACK sip:%s@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=%s;rport\r\nMax-Forwards: "
                    "70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
                    exten, server_s, ip, ntohs(uaddr[c->sock].sin_port), c->branch, c->from, c->to, c->cid);
                out(usock[sock], &server, m2, k);
                fail(c, code);
            }
            return;
        }
        if (strstr(cs, "BYE") && c->state == BYEING) {
            hist_add(&h_bye, ts - c->t_ans);
            finish(c);
        }
        return;
    }
    if (!c) {
        if (strncmp(m, "ACK ", 4)) answer(NULL, m, "481 No dialog", usock[sock], from);
        return;
    }
    if (!strncmp(m, "BYE ", 4)) {
        answer(c, m, "200 OK", usock[sock], from);
        if (c->state == UP || c->state == BYEING) {
            if (c->state == UP) c_remote_bye++;
            finish(c);
        }
    } else if (!strncmp(m, "INVITE ", 7))
        reinvite_ok(c, m, usock[sock], from);
    else if (strncmp(m, "ACK ", 4)) {
        c_other++;
        answer(c, m, "200 OK", usock[sock], from);
    }
}
// ---- UAS (the agent)
static void uas_reply(call *c, int code, const char *why, bool body) {
    char b[600], ip[32];
    aip(&aaddr, ip);
    int bl = body ? sdp(b, sizeof b, c->m.lport) : 0;
    b[bl] = 0;
    int n = snprintf(c->msg, sizeof c->msg,
                     "SIP/2.0 %d %s\r\n%s%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u INVITE\r\nContact: "
                     "<sip:op@%s:%d>\r\n%sContent-Length: %d\r\n\r\n%s",
                     code, why, c->via, c->rr, c->to, c->from, c->cid, c->inv_cseq, ip, ntohs(aaddr.sin_port),
                     body ? "Content-Type: application/sdp\r\n" : "", bl, b);
    c->msglen = n;
    out(asock, &c->peer, c->msg, n);
}
static void uas_answer(call *c) {
    uas_reply(c, 200, "OK", true);
    c->state = ANSWERED;
    c->t_ans = now_ns();
    c->backoff = 500 * MS;
    c->t_next = c->t_ans + c->backoff;
    c->t_end = c->t_ans + 32 * SEC;
    if (uas_tx && c->m.dst.sin_port) leg_start(&c->m);
}
static void uas_msg(void *u, uint8_t *p, int n, int64_t ts, struct sockaddr_in *from) {
    (void)u;
    char *m = (char *)p, cid[128];
    c_rx_msgs++;
    if (n < 16) return;
    if (!hdr(m, "Call-ID", "i", cid, sizeof cid, false)) return;
    call *c = hfind(cid);
    if (!strncmp(m, "SIP/2.0 ", 8)) {
        char cs[64];
        hdr(m, "CSeq", NULL, cs, sizeof cs, false);
        if (c && strstr(cs, "BYE") && c->state == BYEING) {
            agent_free(c, ts);
            finish(c);
        }
        return;
    }
    if (!strncmp(m, "INVITE ", 7)) {
        if (c) {
            char t[512];
            hdr(m, "To", "t", t, sizeof t, false);
            if (strstr(t, "tag="))
                reinvite_ok(c, m, asock, from);
            else
                out(asock, from, c->msg, c->msglen);
            return;
        }
        c_uas_inv++;
        c = calloc(1, sizeof *c);
        c->uas = true;
        c->peer = *from;
        snprintf(c->cid, sizeof c->cid, "%s", cid);
        hdr(m, "Via", "v", c->via, sizeof c->via, true);
        hdr(m, "Record-Route", NULL, c->rr, sizeof c->rr, true);
        char f[512], t[512], cs[64], ct[256];
        hdr(m, "From", "f", f, sizeof f, false);
        hdr(m, "To", "t", t, sizeof t, false);
        hdr(m, "CSeq", NULL, cs, sizeof cs, false);
        c->inv_cseq = atoi(cs);
        if (hdr(m, "Contact", "m", ct, sizeof ct, false)) uri_of(ct, c->contact, sizeof c->contact);
        if (c->rr[0]) {
            char rr[1024];
            snprintf(rr, sizeof rr, "%s", c->rr);
            for (char *x = strtok(rr, "\r\n"); x; x = strtok(NULL, "\r\n")) {
                char q[300];
                snprintf(q, sizeof q, "Route: %s\r\n", x + 14);
                strncat(c->routes, q, sizeof c->routes - strlen(c->routes) - 1);
            }
        }
        static unsigned tg;
        char tag[40];
        snprintf(tag, sizeof tag, ";tag=a%s%u", runid, tg++);
        snprintf(c->from, sizeof c->from, "%.450s%s", t,
                 tag); // our side (for BYE): From = their To + our tag
        snprintf(c->to, sizeof c->to, "%s", f);
        // whose call is it? last 7 digits of the user part of From (or P-Asserted-Identity)
        for (int pass = 0; pass < 2; pass++) {
            char v[512];
            if (pass ? !hdr(m, "P-Asserted-Identity", NULL, v, sizeof v, false)
                     : !snprintf(v, sizeof v, "%s", f))
                continue;
            const char *s = strstr(v, "sip:");
            if (!s) continue;
            s += 4;
            int k = strcspn(s, "@>;");
            if (k < 7) continue;
            int idx = atoi(s + k - 7);
            if (idx >= 0 && idx < ncalls && calls[idx] && !calls[idx]->agent_seen && calls[idx]->t_inv) {
                calls[idx]->agent_seen = true;
                hist_add(&h_ring, ts - calls[idx]->t_inv);
                c->idx = idx;
                break;
            }
        }
        if (agents_busy >= agents) {
            c_uas_busy++;
            c->to[511] = 0;
            uas_reply(c, 486, "Busy Here", false);
            free(c);
            return;
        }
        if (fh < ft) hist_add(&h_gap, ts - freeq[fh++ % 100000]);
        agents_busy++;
        hput(c);
        add_act(c);
        media_open(c);
        struct sockaddr_in a;
        if (sdp_addr(m, &a)) c->m.dst = a;
        c->t_inv = ts;
        c->state = RINGING;
        if (ans_delay) {
            uas_reply(c, 180, "Ringing", false);
            c->t_next = ts + ans_delay;
        } else
            uas_answer(c);
        return;
    }
    if (!c) {
        if (strncmp(m, "ACK ", 4))
            answer(NULL, m, !strncmp(m, "OPTIONS", 7) ? "200 OK" : "481 No dialog", asock, from);
        return;
    }
    if (!strncmp(m, "ACK ", 4)) {
        c_uas_ack++;
        if (c->state == ANSWERED) {
            c->state = UP;
            c->t_up = ts;
            c->t_next = INT64_MAX;
            hist_add(&h_agent_ans, ts - c->t_inv);
            c->t_end = talk ? ts + talk + (talk_rand ? random() % talk_rand : 0) : INT64_MAX;
        }
    } else if (!strncmp(m, "BYE ", 4)) {
        c_uas_bye++;
        answer(c, m, "200 OK", asock, from);
        if (c->state != DONE) {
            agent_free(c, ts);
            finish(c);
        }
    } else if (!strncmp(m, "CANCEL ", 7)) {
        c_uas_cancel++;
        answer(c, m, "200 OK", asock, from);
        uas_reply(c, 487, "Request Terminated", false);
        if (c->state != DONE) {
            agents_busy--;
            finish(c);
        }
    } else {
        c_other++;
        answer(c, m, "200 OK", asock, from);
    }
}
static void timers(int64_t n) {
    for (int i = 0; i < nact; i++) {
        call *c = act[i];
        if (c->state == DONE) {
            act[i--] = act[--nact];
            if (c->uas) free(c);
            continue;
        }
        if (!c->uas && !c->media_seen && c->has_media && c->m.first_stamp) {
            c->media_seen = true;
            hist_add(&h_media, c->m.first_stamp - c->t_inv);
        }
        if (c->state == INVITING) {
            if (n >= c->t_end) {
                fail(c, 0);
                continue;
            }
            if (n >= c->t_next) {
                c_retr_inv++;
                send_invite(c);
                c->backoff *= 2;
                c->t_next = n + c->backoff;
            }
        } else if (c->state == UP) {
            if (n >= c->t_end) do_bye(c);
        } else if (c->state == BYEING) {
            if (n >= c->t_end) {
                if (c->uas) agents_busy--;
                c_timeout++;
                finish(c);
                continue;
            }
            if (n >= c->t_next) {
                c_retr_bye++;
                out(c->uas ? asock : usock[c->sock], &c->peer, c->msg, c->msglen);
                c->backoff *= 2;
                c->t_next = n + c->backoff;
            }
        } else if (c->state == RINGING) {
            if (n >= c->t_next) uas_answer(c);
        } else if (c->state == ANSWERED) {
            if (n >= c->t_end) {
                agents_busy--;
                finish(c);
                continue;
            }
            if (n >= c->t_next) {
                c_retr_200++;
                out(asock, &c->peer, c->msg, c->msglen);
                c->backoff = c->backoff < 4 * SEC ? c->backoff * 2 : c->backoff;
                c->t_next = n + c->backoff;
            }
        }
    }
}
static void poll_all(void) {
    struct epoll_event ev[1024];
    int r;
    for (int i = 0; i < nsrc; i++)
        drain(usock[i], uac_msg, (void *)(intptr_t)i);
    if (asock >= 0) drain(asock, uas_msg, NULL);
    if (flood) return;
    do {
        r = epoll_wait(ep, ev, 1024, 0);
        for (int i = 0; i < r; i++) {
            leg *l = ev[i].data.ptr;
            drain(l->fd, leg_cb, l);
        }
    } while (r == 1024);
}
int main(int argc, char **argv) {
    static struct option lo[] = {{"watch", 1, 0, 'W'},
                                 {"uas", 1, 0, 'U'},
                                 {"agents", 1, 0, 'K'},
                                 {"answer-ms", 1, 0, 'a'},
                                 {"talk-ms", 1, 0, 'k'},
                                 {"uac-rtp", 0, 0, '1'},
                                 {"uas-rtp", 0, 0, '2'},
                                 {"flood", 0, 0, 'F'},
                                 {"flood-ack", 0, 0, 'A'},
                                 {"src-ips", 1, 0, 'S'},
                                 {"src-net", 1, 0, 'N'},
                                 {"uac-port", 1, 0, 'p'},
                                 {"prefix", 1, 0, 'P'},
                                 {"ip", 1, 0, 'i'},
                                 {"max", 1, 0, 'm'},
                                 {"tick-us", 1, 0, 'q'},
                                 {"uas-register", 1, 0, 'R'},
                                 {"lat-file", 1, 0, 'L'},
                                 {"ulaw", 0, 0, 'u'},
                                 {"rtp-packets", 1, 0, 'Q'},
                                 {"talk-rand-ms", 1, 0, 'J'},
                                 {"verbose", 0, 0, 'v'},
                                 {0}};
    int c;
    const char *srv = "127.0.0.1:5160";
    while ((c = getopt_long(argc, argv, "s:e:n:r:H:T:w:t:v", lo, NULL)) != -1)
        switch (c) {
        case 's': srv = optarg; break;
        case 'e': exten = optarg; break;
        case 'n': ncalls = atoi(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'H': hold = atof(optarg) * SEC; break;
        case 'T': total = atof(optarg) * SEC; break;
        case 'w': warm = atof(optarg) * SEC; break;
        case 't': dur = atof(optarg) * SEC; break;
        case 'W': watch_add(optarg); break;
        case 'U': uas_port = atoi(optarg); break;
        case 'K': agents = atoi(optarg); break;
        case 'a': ans_delay = atof(optarg) * MS; break;
        case 'k': talk = atof(optarg) * MS; break;
        case '1': uac_tx = true; break;
        case '2': uas_tx = true; break;
        case 'F': flood = true; break;
        case 'A': flood = flood_ack = true; break;
        case 'S': nsrc = atoi(optarg); break;
        case 'N': src_net = atoi(optarg); break;
        case 'p': uac_port = atoi(optarg); break;
        case 'P': prefix = optarg; break;
        case 'i': local_ip = rtp_ip = optarg; break;
        case 'm': maxconc = atoi(optarg); break;
        case 'q': tickus = atoi(optarg); break;
        case 'R': uasreg = optarg; break;
        case 'L': lat_file = optarg; break;
        case 'u': rtp_pt = 0; break;
        case 'J': talk_rand = atof(optarg) * MS; break;
        case 'Q': rtp_limit = atoi(optarg); break;
        case 'v': verbose = true; break;
        default: return 2;
        }
    if (!total) total = (int64_t)(ncalls / rate * SEC) + warm + dur + 15 * SEC;
    if (total > 300 * SEC || ncalls > 100000 || nsrc > 256) DIE("bounds: 300 s, 100000 calls, 256 sources");
    server = addr_parse(srv);
    snprintf(server_s, sizeof server_s, "%s", srv);
    raise_nofile();
    srandom(getpid() ^ time(NULL));
    snprintf(runid, sizeof runid, "%x", getpid());
    signal(SIGINT, on_sig);
    signal(SIGTERM, on_sig);
    ep = epoll_create1(0);
    calls = calloc(ncalls, sizeof *calls);
    freeq = calloc(100000, sizeof *freeq);
    if (lat_file) lat_v = calloc(ncalls, 8);
    for (int i = 0; i < nsrc; i++) {
        char ip[32];
        uint16_t pt;
        if (nsrc > 1)
            snprintf(ip, 32, "127.%d.%d.%d", src_net, i / 250, 1 + i % 250);
        else
            snprintf(ip, 32, "%s", local_ip);
        usock[i] = udp_bind(ip, nsrc > 1 ? 0 : uac_port, 4 << 20, &pt);
        uaddr[i] = addr_of(ip, pt);
    }
    if (uas_port) {
        asock = udp_bind(local_ip, uas_port, 4 << 20, NULL);
        aaddr = addr_of(local_ip, uas_port);
    }
    if (uasreg && asock >= 0) {
        char m[1024];
        int n = snprintf(
            m, sizeof m,
            "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bKr%s;rport\r\nMax-Forwards: "
            "70\r\nFrom: <%s>;tag=r%s\r\nTo: <%s>\r\nCall-ID: r%s\r\nCSeq: 1 REGISTER\r\nContact: "
            "<sip:op@%s:%d>\r\nExpires: 300\r\nContent-Length: 0\r\n\r\n",
            srv, local_ip, uas_port, runid, uasreg, runid, uasreg, runid, local_ip, uas_port);
        out(asock, &server, m, n);
    }
    // phases: ramp (all calls started at rate), then warm, then the window; with --hold the window opens
    // after warm from the start
    int64_t t0 = now_ns(), tick = 0, t_ready = 0;
    snap a, b;
    bool opened = false, closed = false;
    uint64_t s_start = 0, s_ans = 0, s_fail = 0, s_rinv = 0, s_r200 = 0;
    uint64_t e_start = 0, e_ans = 0;
    int started = 0, last_timer = 0;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    int64_t tk = tickus * 1000LL;
    int64_t next_rtp = t0;
    int64_t rtp_tick = 0;
    int live0 = 0;
    while (!stop) {
        sleep_until(t0 + (tick + 1) * tk);
        int64_t n = now_ns();
        tick = (n - t0) / tk;
        while (next_rtp <= n) {
            if (n - next_rtp > 200 * MS) {
                next_rtp = n;
            }
            slots_send(rtp_tick++);
            next_rtp += MS;
        }
        int due = (int)((n - t0) / 1e9 * rate) + 1;
        if (due > ncalls) due = ncalls;
        int burst = 0;
        while (started < due && burst < 200 && (!maxconc || (int)(c_start - c_done) < maxconc) && !closed) {
            int64_t sched = t0 + (int64_t)(started / rate * 1e9);
            hist_add(&h_start_late, n - sched);
            start_call(started++);
            burst++;
            if (burst % 50 == 0) poll_all();
        }
        poll_all();
        if (n / (5 * MS) != last_timer) {
            last_timer = n / (5 * MS);
            timers(n);
        }
        if (!t_ready && (hold || flood || (started == ncalls && (int)(c_ans + c_fail) >= ncalls)))
            t_ready = (hold || flood) ? t0 : n;
        if (!t_ready && n - t0 > (int64_t)(ncalls / rate * SEC) + 12 * SEC)
            t_ready = n; // some calls never came up: measure anyway
        if (t_ready && !opened && n >= t_ready + warm) {
            opened = true;
            in_window = true;
            s_start = c_start;
            s_ans = c_ans;
            s_fail = c_fail;
            s_rinv = c_retr_inv;
            s_r200 = c_retr_200;
            live0 = nact;
            snap_take(&a);
        }
        if (opened && !closed && n >= a.wall + dur) {
            closed = true;
            in_window = false;
            snap_take(&b);
            e_start = c_start;
            e_ans = c_ans;
            // media summary now, while legs are still open
            leg **LU = calloc(nact + 1, sizeof *LU), **LA = calloc(nact + 1, sizeof *LA);
            int nu = 0, na = 0;
            for (int i = 0; i < nact; i++)
                if (act[i]->has_media && act[i]->state == UP) {
                    if (act[i]->uas)
                        LA[na++] = &act[i]->m;
                    else
                        LU[nu++] = &act[i]->m;
                }
            double wall = (b.wall - a.wall) / 1e9;
            printf("{");
            legs_json(stdout, "caller_rtp", LU, nu, wall);
            printf(",");
            if (uas_port) {
                legs_json(stdout, "agent_rtp", LA, na, wall);
                printf(",");
            }
            free(LU);
            free(LA);
            if (flood) break;
            int64_t q = now_ns();
            int k = 0;
            for (int i = 0; i < nact; i++)
                if (!act[i]->uas && act[i]->state == UP) {
                    if (hold)
                        act[i]->t_end = n;
                    else
                        act[i]->t_end = q + (int64_t)(k++ / (rate > 100 ? 100.0 : rate) * SEC);
                }
        }
        if (closed &&
            (nact == 0 || n > b.wall + (int64_t)(ncalls / (rate > 100 ? 100.0 : rate) * SEC) + 10 * SEC))
            break;
        if (n - t0 > total) break;
    }
    if (!closed) {
        in_window = false;
        snap_take(&b);
        if (!opened) {
            a = b;
            a.wall -= 1;
        }
        printf("{\"incomplete\":true,");
    }
    double wall = (b.wall - a.wall) / 1e9;
    printf("\"calls\":{\"started\":%llu,\"answered\":%llu,\"failed\":%llu,\"timeouts\":%llu,\"remote_bye\":%"
           "llu,\"live_at_open\":%d,\"win_started\":%llu,\"win_answered\":%llu,\"win_answered_per_s\":%.2f,"
           "\"win_failed\":%llu,\"win_retr_invite\":%llu,\"retr_invite\":%llu,\"retr_200_uas\":%llu,\"retr_"
           "bye\":%llu,\"dup_200\":%llu,\"uas_invites\":%llu,\"uas_busy\":%llu,\"uas_acks\":%llu,\"uas_"
           "cancels\":%llu,\"uas_byes\":%llu,\"other\":%llu,\"sip_rx\":%llu,\"codes\":{",
           (unsigned long long)c_start, (unsigned long long)c_ans, (unsigned long long)c_fail,
           (unsigned long long)c_timeout, (unsigned long long)c_remote_bye, live0,
           (unsigned long long)(e_start - s_start), (unsigned long long)(e_ans - s_ans),
           (e_ans - s_ans) / wall, (unsigned long long)(c_fail - s_fail),
           (unsigned long long)(c_retr_inv - s_rinv), (unsigned long long)c_retr_inv,
           (unsigned long long)c_retr_200, (unsigned long long)c_retr_bye, (unsigned long long)c_dup200,
           (unsigned long long)c_uas_inv, (unsigned long long)c_uas_busy, (unsigned long long)c_uas_ack,
           (unsigned long long)c_uas_cancel, (unsigned long long)c_uas_bye, (unsigned long long)c_other,
           (unsigned long long)c_rx_msgs);
    int first = 1;
    for (int i = 0; i < 700; i++)
        if (c_code[i]) {
            printf("%s\"%d\":%llu", first ? "" : ",", i, (unsigned long long)c_code[i]);
            first = 0;
        }
    (void)s_r200;
    printf("}},");
    hist *hh[] = {&h_100,   &h_200, &h_ring, &h_agent_ans, &h_gap,
                  &h_media, &h_bye, &h_jit,  &h_lat,       &h_start_late};
    const char *nm[] = {"invite_to_100_ms",
                        "invite_to_200_ms",
                        "invite_to_agent_ring_ms",
                        "agent_ring_to_ack_ms",
                        "agent_free_to_ring_ms",
                        "invite_to_agent_media_ms",
                        "bye_to_200_ms",
                        "jitter_ms",
                        "latency_ms",
                        "start_lateness_ms"};
    for (int i = 0; i < 10; i++) {
        hist_json(stdout, nm[i], hh[i]);
        printf(",");
    }
    snap_json(stdout, &a, &b);
    printf("}\n");
    if (lat_file) {
        FILE *f = fopen(lat_file, "w");
        if (f) {
            for (int i = 0; i < lat_n; i++)
                fprintf(f, "%.3f\n", lat_v[i] / 1e6);
            fclose(f);
        }
    }
    return 0;
}
