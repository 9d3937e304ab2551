/* The chain of libevent's test/bench.c over bare poll and epoll, and (compiled with -DLIBEVENT) over libevent itself.

   chain WAY PAIRS ACTIVE WRITES RUNS      WAY: poll, epoll, libevent-poll, libevent-epoll

   Prints the microseconds of each run, one in a line. The protocol is that of muxlab/measure/chain.py, word for word:
   a warm-up run first; waits only look; what was registered stays registered. */

#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef LIBEVENT
#include <event2/event.h>
#endif

static int pairs, active, writes;
static int *readers, *writers;
static int unheard, left; /* bytes under way, and bytes that may still be passed on */

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void say(int pair) {
    if (write(writers[pair], "e", 1) != 1) die("write");
}

static void hear(int pair) {
    char byte;
    if (read(readers[pair], &byte, 1) != 1) die("read");
    if (left) {
        left--;
        say(pair + 1 < pairs ? pair + 1 : 0);
    } else
        unheard--;
}

static struct pollfd *polled;
static void watch_by_poll(void) {
    polled = calloc(pairs, sizeof *polled);
    for (int pair = 0; pair < pairs; pair++) polled[pair] = (struct pollfd){.fd = readers[pair], .events = POLLIN};
}
static void look_by_poll(void) {
    int ready = poll(polled, pairs, 0);
    for (int pair = 0; ready > 0; pair++)
        if (polled[pair].revents) {
            ready--;
            hear(pair);
        }
}

static int epoll;
static struct epoll_event *events;
static void watch_by_epoll(void) {
    epoll = epoll_create1(EPOLL_CLOEXEC);
    events = calloc(active, sizeof *events);
    for (int pair = 0; pair < pairs; pair++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = pair};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, readers[pair], &event) < 0) die("epoll_ctl");
    }
}
static void look_by_epoll(void) {
    int ready = epoll_wait(epoll, events, active, 0);
    for (int event = 0; event < ready; event++) hear(events[event].data.u32);
}

#ifdef LIBEVENT
static struct event_base *base;
static void heard(evutil_socket_t fd, short what, void *pair) {
    (void)fd, (void)what;
    hear((int)(size_t)pair);
}
static void watch_by_libevent(const char *method) {
    const char *all[] = {"select", "poll", "epoll"};
    struct event_config *config = event_config_new();
    for (int i = 0; i < 3; i++)
        if (strcmp(all[i], method)) event_config_avoid_method(config, all[i]);
    base = event_base_new_with_config(config);
    if (!base || strcmp(event_base_get_method(base), method)) die("libevent does not offer this way");
    for (int pair = 0; pair < pairs; pair++)
        event_add(event_new(base, readers[pair], EV_READ | EV_PERSIST, heard, (void *)(size_t)pair), NULL);
}
static void look_by_libevent(void) { event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK); }
#endif

static double run(void (*look)(void)) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    unheard = active;
    left = writes;
    for (int first = 0; first < active; first++) say(first * (pairs / active));
    while (unheard) look();
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - start.tv_sec) * 1e6 + (end.tv_nsec - start.tv_nsec) / 1e3;
}

int main(int count, char **words) {
    if (count != 6) return fprintf(stderr, "usage: chain WAY PAIRS ACTIVE WRITES RUNS\n"), 2;
    const char *way = words[1];
    pairs = atoi(words[2]), active = atoi(words[3]), writes = atoi(words[4]);
    readers = calloc(pairs, sizeof *readers), writers = calloc(pairs, sizeof *writers);
    for (int pair = 0; pair < pairs; pair++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0) die("socketpair");
        readers[pair] = ends[0], writers[pair] = ends[1];
    }
    void (*look)(void);
    if (!strcmp(way, "poll")) {
        watch_by_poll(), look = look_by_poll;
    } else if (!strcmp(way, "epoll")) {
        watch_by_epoll(), look = look_by_epoll;
#ifdef LIBEVENT
    } else if (!strncmp(way, "libevent-", 9)) {
        watch_by_libevent(way + 9), look = look_by_libevent;
#endif
    } else
        return fprintf(stderr, "no way %s\n", way), 2;
    run(look);
    for (int runs = atoi(words[5]); runs > 0; runs--) printf("%.1f\n", run(look));
    return 0;
}
