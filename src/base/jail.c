/*
 * jail.c: a seccomp filter as a table of forbidden calls.  See jail.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/jail.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* On x86-64 the other numbering of the same calls (x32) begins at its own bit. */
#if defined(__x86_64__)
#define OWN_ARCH   AUDIT_ARCH_X86_64
#define NUMBER_END 0x40000000u
#elif defined(__aarch64__)
#define OWN_ARCH   AUDIT_ARCH_AARCH64
#define NUMBER_END 0xffffffffu
#else
#error "seccomp: name the audit architecture of this machine"
#endif

static const unsigned forbidden[] = {
    SYS_socket,      SYS_connect,          SYS_bind,
    SYS_listen,      SYS_execve,           SYS_execveat,
    SYS_ptrace,      SYS_process_vm_readv, SYS_process_vm_writev,
    SYS_bpf,         SYS_perf_event_open,  SYS_keyctl,
    SYS_add_key,     SYS_request_key,      SYS_mount,
    SYS_umount2,     SYS_unshare,          SYS_setns,
    SYS_init_module, SYS_finit_module,     SYS_kexec_load,
    SYS_userfaultfd, SYS_io_uring_setup,
};

static const unsigned accepting[] = {SYS_accept, SYS_accept4};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static unsigned short
put_forbidden(struct sock_filter *code, unsigned short n, const unsigned *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, list[i], 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    return n;
}

rs_code
rs_jail(enum rs_jail jail, struct rs_err *err)
{
    struct sock_filter code[(COUNT(forbidden) + COUNT(accepting)) * 2 + 8];
    struct sock_fprog program = {.filter = code};
    unsigned short n = 0;

    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, NUMBER_END, 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    n = put_forbidden(code, n, forbidden, COUNT(forbidden));
    if (jail == RS_JAIL_CLOSED)
        n = put_forbidden(code, n, accepting, COUNT(accepting));
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program.len = n;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return rs_fail_errno(err, RS_E_INTERNAL, "this process cannot be jailed");
    return RS_OK;
}
