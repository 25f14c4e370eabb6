"""The calls of the system that a reader may make, and the filter that keeps it to them (seccomp).

It may compute, allocate, wait, start threads, and read what it can open. It may not open anything
to write, change or remove a file, start a program or process, reach a network or another process,
or signal any but itself. The kernel asks the filter, a program of its own small language, before
each call; what is not allowed fails with EPERM, as if the account lacked the right, and what is
newer than this list with ENOSYS, as in an older kernel.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# name:number on x86_64:number on aarch64, which has no number for some that are older than it
_ALLOWED = """
brk:12:214 close:3:57 fstat:5:80 lseek:8:62 mmap:9:222 mprotect:10:226 munmap:11:215 read:0:63
rt_sigaction:13:134 rt_sigpending:127:136 rt_sigprocmask:14:135 rt_sigreturn:15:139
rt_sigsuspend:130:133 rt_sigtimedwait:128:137 sigaltstack:131:132 write:1:64
dup:32:23 dup2:33:- dup3:292:24 madvise:28:233 mincore:27:232 mlock:149:228 mlock2:325:284
mremap:25:216 msync:26:227 munlock:150:229 pipe:22:- pipe2:293:59 pread64:17:67 preadv:295:69
preadv2:327:286 pwrite64:18:68 pwritev:296:70 pwritev2:328:287 readv:19:65 writev:20:66
alarm:37:- clock_getres:229:114 clock_gettime:228:113 clock_nanosleep:230:115 getitimer:36:102
gettimeofday:96:169 nanosleep:35:101 pause:34:- setitimer:38:103 time:201:- times:100:153
timer_create:222:107 timer_delete:226:111 timer_getoverrun:225:109 timer_gettime:224:108
timer_settime:223:110 timerfd_create:283:85 timerfd_gettime:287:87 timerfd_settime:286:86
capget:125:90 getegid:108:177 geteuid:107:175 getgid:104:176 getgroups:115:158 getpgid:121:155
getpgrp:111:- getpid:39:172 getppid:110:173 getresgid:120:150 getresuid:118:148 getsid:124:156
gettid:186:178 getuid:102:174 umask:95:166
exit:60:93 exit_group:231:94 getcpu:309:168 getpriority:140:141 getrandom:318:278
getrlimit:97:163 getrusage:98:165 sysinfo:99:179 uname:63:160 wait4:61:260 waitid:247:95
futex:202:98 get_robust_list:274:100 membarrier:324:283 restart_syscall:219:128 rseq:334:293
sched_get_priority_max:146:125 sched_get_priority_min:147:126 sched_getaffinity:204:123
sched_getattr:315:275 sched_getparam:143:121 sched_getscheduler:145:120
sched_rr_get_interval:148:127 sched_yield:24:124 set_robust_list:273:99 set_tid_address:218:96
arch_prctl:158:- get_mempolicy:239:236 mbind:237:235 set_mempolicy:238:237
access:21:- faccessat:269:48 faccessat2:439:439 fadvise64:221:223 fdatasync:75:83 fstatfs:138:44
fsync:74:82 getcwd:79:17 getdents:78:- getdents64:217:61 lstat:6:- newfstatat:262:79
readahead:187:213 readlink:89:- readlinkat:267:78 stat:4:- statfs:137:43 statx:332:291
epoll_create:213:- epoll_create1:291:20 epoll_ctl:233:21 epoll_pwait:281:22 epoll_pwait2:441:441
epoll_wait:232:- eventfd:284:- eventfd2:290:19 poll:7:- ppoll:271:73 pselect6:270:72 select:23:-
signalfd:282:- signalfd4:289:74 close_range:436:436 recvmsg:47:212
"""
# allowed with some arguments alone
_LIMITED = """
open:2:- openat:257:56 clone:56:220 kill:62:129 tgkill:234:131 ioctl:16:29 fcntl:72:25
prctl:157:167 prlimit64:302:261
"""
_FIRST_NEW = 424  # from here on numbers are the same everywhere

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CLONE_THREAD = 0x10000
_OF_TERMINALS_AND_PIPES = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # asked of any file
_OF_DESCRIPTORS = (0, 1, 2, 3, 4, 1030, 1032)  # to copy one and to ask of its flags: no locks
_OF_OWN_NAME = (3, 15, 16, 21, 41, 42, 0x53564D41)  # also of own memory

_PROCESSORS = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # as the kernel tells the filter
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_FILTER, _ASK_ACTION = 1, 2
_NO_SLOWER = 4  # kernels before 5.16 would run the whole process slower
_PR_SET_NO_NEW_PRIVS = 38
_NO_CALL = 0x3FFF  # a number that no call has

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_NUMBER, _PROCESSOR, _ARGUMENTS = 0, 4, 16  # where the kernel puts them, in bytes


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("operand", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("first", ctypes.POINTER(_Instruction)))


@dataclass(frozen=True, slots=True)
class _Limit:
    """What the filter asks of one argument, by the low half of it: whether it is one of the values,
    or has any bit of `bits`, and whether that allows or forbids the call.
    """

    call: str
    argument: int
    values: tuple[int, ...] = ()
    bits: int = 0
    allows: bool = True


def is_available() -> bool:
    """Whether this processor's numbers are known here and the kernel takes filters."""
    machine = _machine()
    failing = ctypes.c_uint32(_FAIL)
    return bool(machine) and _call(_SECCOMP[machine], _ASK_ACTION, 0, ctypes.byref(failing)) == 0


def restrict_calls() -> bool:
    """Keep this process, and each thread that it starts from now on, to the calls that readers
    need; returns whether the kernel does so.
    """
    if not is_available():
        return False
    machine = _machine()
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if not (_install(machine, _probe(machine)) and _call(_NO_CALL) == errno.EDOM):
        return False  # the kernel sees other calls than this process makes: it is translated
    return _install(machine, _filter(machine, os.getpid()))


def numbers(machine: str) -> dict[str, int]:
    """The calls that are allowed at all on a processor, with their numbers."""
    column = 1 + list(_PROCESSORS).index(machine)
    calls = (call.split(":") for call in f"{_ALLOWED} {_LIMITED}".split())
    return {call[0]: int(call[column]) for call in calls if call[column] != "-"}


def _limits(own_pid: int) -> tuple[_Limit, ...]:
    return (
        _Limit("open", 1, bits=_WRITING, allows=False),
        _Limit("openat", 2, bits=_WRITING, allows=False),
        _Limit("clone", 0, bits=_CLONE_THREAD),
        _Limit("kill", 0, values=(own_pid,)),
        _Limit("tgkill", 0, values=(own_pid,)),
        _Limit("ioctl", 1, values=_OF_TERMINALS_AND_PIPES),
        _Limit("fcntl", 1, values=_OF_DESCRIPTORS),
        _Limit("prctl", 0, values=_OF_OWN_NAME),
    )


def _filter(machine: str, own_pid: int) -> list[_Instruction]:
    """The program that decides about each call, over its number and then its arguments."""
    known = numbers(machine)
    program = [
        _Instruction(_LOAD, 0, 0, _PROCESSOR),
        *_unless(_EQUAL, _PROCESSORS[machine], _fail(errno.EPERM)),
        _Instruction(_LOAD, 0, 0, _NUMBER),
    ]
    for limit in _limits(own_pid):
        if limit.call in known:
            program += _if_call(known[limit.call], _limited(limit))
    # both halves of the address of what it would set: to ask is allowed, to raise a limit is not
    asks_only = [
        step
        for half in (0, 4)
        for step in (_argument(2, half), *_unless(_EQUAL, 0, _fail(errno.EPERM)))
    ]
    program += _if_call(known["prlimit64"], [*asks_only, _Instruction(_RETURN, 0, 0, _ALLOW)])
    limited = {call.partition(":")[0] for call in _LIMITED.split()}
    for name, number in known.items():
        if name not in limited:
            program += _if_call(number, [_Instruction(_RETURN, 0, 0, _ALLOW)])
    return [
        *program,
        *_unless(_AT_LEAST, _FIRST_NEW, _fail(errno.EPERM)),
        _fail(errno.ENOSYS),
    ]


def _limited(limit: _Limit) -> list[_Instruction]:
    """What follows where a call is made that depends on an argument; the last step returns."""
    yes, no = _Instruction(_RETURN, 0, 0, _ALLOW), _fail(errno.EPERM)
    if not limit.allows:
        yes, no = no, yes
    steps = [_argument(limit.argument, 0)]
    for value in limit.values:
        steps += [_Instruction(_EQUAL, 0, 1, value), yes]
    if limit.bits:
        steps += [_Instruction(_ANY_BIT, 0, 1, limit.bits), yes]
    return [*steps, no]


def _probe(machine: str) -> list[_Instruction]:
    """A program that shows by the failure of a call that there is none of, whether the kernel sees
    the processor that this process does.
    """
    return [
        _Instruction(_LOAD, 0, 0, _PROCESSOR),
        *_unless(_EQUAL, _PROCESSORS[machine], _Instruction(_RETURN, 0, 0, _ALLOW)),
        _Instruction(_LOAD, 0, 0, _NUMBER),
        *_if_call(_NO_CALL, [_fail(errno.EDOM)]),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    ]


def _if_call(number: int, steps: list[_Instruction]) -> list[_Instruction]:
    return [_Instruction(_EQUAL, 0, len(steps), number), *steps]


def _unless(test: int, value: int, step: _Instruction) -> list[_Instruction]:
    return [_Instruction(test, 1, 0, value), step]


def _argument(index: int, half: int) -> _Instruction:
    return _Instruction(_LOAD, 0, 0, _ARGUMENTS + 8 * index + half)


def _fail(number: int) -> _Instruction:
    return _Instruction(_RETURN, 0, 0, _FAIL | number)


def _install(machine: str, steps: Iterable[_Instruction]) -> bool:
    listed = list(steps)
    program = _Program(len(listed), (_Instruction * len(listed))(*listed))
    return _call(_SECCOMP[machine], _SET_FILTER, _NO_SLOWER, ctypes.byref(program)) == 0


def _machine() -> str:
    """The processor, "" where its numbers are not known here."""
    is_wide_linux = sys.platform.startswith("linux") and sys.maxsize > 2**32
    machine = os.uname().machine if is_wide_linux else ""
    return machine if machine in _PROCESSORS else ""


def _call(number: int, *arguments: object) -> int:
    """What is wrong with a call of the system, as a number of `errno`; 0 where it succeeds."""
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    wide = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    return ctypes.get_errno() if library.syscall(ctypes.c_long(number), *wide) == -1 else 0
