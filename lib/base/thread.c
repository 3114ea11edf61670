/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/thread.h"

#include <pthread.h>
#include <signal.h>

#include "lib/base/base.h"

#define STACK_BYTES (512 * 1024)

int thread_start(uv_thread_t *ret, const char *name, void (*fn)(void *), void *arg, struct err *err)
{
    /* What a thread does wrong itself must still end the process with its usual report. */
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
    sigset_t blocked, before;
    int r;

    sigfillset(&blocked);
    for (size_t i = 0; i < array_len(faults); i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    r = uv_thread_create_ex(ret, &options, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r)
        return err_errno(err, -r, "cannot start the thread '%s'", name);
    pthread_setname_np(*ret, name);
    return 0;
}
