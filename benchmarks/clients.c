/* A crowd of clients in C: each that talks sends a message, compares the reply byte for byte, and sends the next.

   clients PORT CONNECTIONS ACTIVE PAYLOAD      the server listens on 127.0.0.1

   Prints one line when all are connected and each that talks has had WARM_UP replies. Then, for each line that it reads,
   prints how many replies there have been. When its standard input ends, it lets the replies that are under way arrive,
   half-closes all connections, and ends as soon as the server has closed them too. A wrong byte, or the loss of a
   connection, ends it with status 1 and a line on the standard error. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define WARM_UP 20
#define BATCH 1024
#define PATIENCE 2000 /* milliseconds in which the server has something to say at the end */

struct client {
    int fd;
    size_t sent, received; /* bytes of the message that is under way, and of its reply */
    long replies;
    char *message;
};

static int epoll;
static size_t payload;
static char *reply; /* of one recv; one byte longer than a message, to notice what is too much */
static long replies;
static int warm;     /* clients that have had WARM_UP replies */
static int over;     /* nobody begins another message */
static int closed;   /* connections that the server has closed */

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void wrong(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void watch(int how, int fd, void *what, unsigned events) {
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(epoll, how, fd, &event) < 0) die("epoll_ctl");
}

static void open_client(struct client *client, int number, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0) die("socket");
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client->message = malloc(payload);
    for (size_t i = 0; i < payload; i++) client->message[i] = 'a' + (number * 7 + i) % 26; /* neighbours differ */
    watch(EPOLL_CTL_ADD, client->fd, client, EPOLLIN);
}

/* Send what is left of the message; what the kernel has no room for now waits until the socket is writable. */
static void talk(struct client *client) {
    size_t left = payload - client->sent;
    ssize_t taken = send(client->fd, client->message + client->sent, left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0 && errno != EAGAIN) die("send");
    if (taken > 0) client->sent += taken;
    if ((size_t)(taken > 0 ? taken : 0) < left) watch(EPOLL_CTL_MOD, client->fd, client, EPOLLIN | EPOLLOUT);
}

static void listen_to(struct client *client) {
    ssize_t size = recv(client->fd, reply, payload + 1, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0) die("recv");
    if (size == 0 && over) {
        closed++;
        close(client->fd); /* which takes it off the interest list */
        return;
    }
    if (size == 0) wrong("the server has closed a connection");
    if (client->received + size > payload || memcmp(reply, client->message + client->received, size))
        wrong("a reply differs from what was sent");
    client->received += size;
    if (client->received < payload) return;
    replies++;
    if (++client->replies == WARM_UP) warm++;
    client->sent = client->received = 0;
    if (over)
        shutdown(client->fd, SHUT_WR);
    else
        talk(client);
}

static void serve(struct client *client, unsigned events) {
    if (events & EPOLLOUT) {
        watch(EPOLL_CTL_MOD, client->fd, client, EPOLLIN);
        talk(client);
    }
    if (events & ~EPOLLOUT) listen_to(client);
}

static void report(void) {
    printf("%ld\n", replies);
    fflush(stdout);
}

int main(int count, char **arguments) {
    if (count != 5) wrong("clients PORT CONNECTIONS ACTIVE PAYLOAD");
    int port = atoi(arguments[1]), connections = atoi(arguments[2]), active = atoi(arguments[3]);
    payload = atol(arguments[4]);
    if (port < 1 || active < 1 || connections < active || payload < 1) wrong("four numbers of 1 or more, active at most connections");
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    epoll = epoll_create1(EPOLL_CLOEXEC);
    reply = malloc(payload + 1);
    struct client *clients = calloc(connections, sizeof *clients);
    for (int i = 0; i < connections; i++) open_client(&clients[i], i, port);
    for (int i = 0; i < active; i++) talk(&clients[i]);
    static int orders; /* its address stands for the standard input */
    watch(EPOLL_CTL_ADD, STDIN_FILENO, &orders, EPOLLIN);
    static struct epoll_event events[BATCH];
    for (int told = 0; closed < connections;) {
        if (!told && warm == active) {
            report();
            told = 1;
        }
        int ready = epoll_wait(epoll, events, BATCH, over ? PATIENCE : -1);
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        if (ready == 0) return 0; /* the server does not close: it is not for us to wait for it */
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr != &orders)
                serve(events[i].data.ptr, events[i].events);
            else {
                char line[256];
                if (read(STDIN_FILENO, line, sizeof line) > 0) {
                    report();
                    continue;
                }
                over = 1;
                watch(EPOLL_CTL_DEL, STDIN_FILENO, NULL, 0);
                for (int silent = active; silent < connections; silent++) shutdown(clients[silent].fd, SHUT_WR);
            }
        }
    }
    return 0;
}
