/* An echo server in C over level-triggered epoll: what the reference epoll server does, without Python.

   Prints its port, and ends when its standard input does. It keeps the same promises as muxlab.Connection: at most
   64 KiB a read, unsent bytes are kept, and who does not take replies is not read from. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 65536 /* bytes of one read, and the most that is kept for one client: a read is echoed before the next */
#define BACKLOG 4096
#define BATCH 1023 /* events of one wait, as CPython asks for */

struct client {
    int fd;
    size_t begin, end; /* of the unsent bytes */
    char *unsent;      /* NULL until it is needed */
};

static int epoll;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void watch(int how, int fd, void *what, unsigned events) {
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(epoll, how, fd, &event) < 0) die("epoll_ctl");
}

static void accept_all(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct client *client = calloc(1, sizeof *client);
        client->fd = fd;
        watch(EPOLL_CTL_ADD, fd, client, EPOLLIN);
    }
    if (errno != EAGAIN && errno != ECONNABORTED) die("accept");
}

static void end(struct client *client) {
    close(client->fd); /* which takes it off the interest list: no other descriptor of it is open */
    free(client->unsent);
    free(client);
}

/* Send what there is; 0 when the client is gone. */
static int flush(struct client *client, const char *bytes, size_t size) {
    ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return 0;
    if (sent < 0) sent = 0;
    size_t rest = size - sent;
    if (rest && !client->unsent) { /* from now on it is watched for writing, and not read from */
        client->unsent = malloc(PIECE);
        memcpy(client->unsent, bytes + sent, rest);
        client->begin = 0, client->end = rest;
        watch(EPOLL_CTL_MOD, client->fd, client, EPOLLOUT);
    } else if (client->unsent) {
        client->begin += sent;
        if (!rest) {
            free(client->unsent);
            client->unsent = NULL;
            watch(EPOLL_CTL_MOD, client->fd, client, EPOLLIN);
        }
    }
    return 1;
}

static void serve(struct client *client) {
    static char piece[PIECE];
    if (client->unsent) {
        if (!flush(client, client->unsent + client->begin, client->end - client->begin)) end(client);
        return;
    }
    ssize_t size = recv(client->fd, piece, sizeof piece, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0 || !flush(client, piece, size)) end(client);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, BACKLOG) < 0) die("listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    static int stop; /* its address stands for the standard input, the listener's for the listener */
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(EPOLL_CTL_ADD, STDIN_FILENO, &stop, EPOLLIN);
    watch(EPOLL_CTL_ADD, listener, &listener, EPOLLIN);
    static struct epoll_event events[BATCH];
    for (;;) {
        int ready = epoll_wait(epoll, events, BATCH, -1);
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == &stop) return 0;
            if (events[i].data.ptr == &listener)
                accept_all(listener);
            else
                serve(events[i].data.ptr);
        }
    }
}
