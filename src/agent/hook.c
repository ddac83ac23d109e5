/*
 * hook.c: other programs learn of a new certificate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/inner.h"

/* In the child: become that user for good, or end. */
static void
become(const struct passwd *who)
{
    if (who != NULL && (initgroups(who->pw_name, who->pw_gid) != 0 || setgid(who->pw_gid) != 0 ||
                        setuid(who->pw_uid) != 0))
        _exit(126);
}

rs_code
agent_hook(struct agent *a, struct rs_err *err)
{
    const struct agent_config *c = a->config;
    const struct passwd *who = NULL;
    int status = 0;
    pid_t pid;

    if (c->on_renew[0] == NULL)
        return RS_OK;
    if (c->run_as != NULL && (who = getpwnam(c->run_as)) == NULL)
        return rs_fail(err, RS_E_AGENT_HOOK, "on_renew: there is no user %.60s", c->run_as);
    pid = fork();
    if (pid == 0) {
        (void)signal(SIGPIPE, SIG_DFL);
        become(who);
        (void)execvp(c->on_renew[0], (char *const *)(uintptr_t)c->on_renew);
        _exit(127);
    }
    if (pid < 0)
        return rs_fail_errno(err, RS_E_AGENT_HOOK, "on_renew: cannot start %.60s", c->on_renew[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        agent_tell(a, "on_renew", "%s", c->on_renew[0]);
        return RS_OK;
    }
    return rs_fail(err, RS_E_AGENT_HOOK, "on_renew: %.60s ended with %d", c->on_renew[0],
                   WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
