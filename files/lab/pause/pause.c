/* Holds a pod's namespaces open and reaps what its containers leave behind. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void reap(int signal) {
    (void)signal;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static void leave(int signal) {
    (void)signal;
    _exit(EXIT_SUCCESS);
}

int main(void) {
    struct sigaction reaping = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
    struct sigaction leaving = {.sa_handler = leave};
    sigaction(SIGCHLD, &reaping, NULL);
    sigaction(SIGINT, &leaving, NULL);
    sigaction(SIGTERM, &leaving, NULL);
    for (;;)
        pause();
}
