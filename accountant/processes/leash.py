"""A program put between parent and child: it ties the child to its parent's life, then becomes the child.

Run as a script, by path and in isolated mode, so that it starts in some 20 ms and needs no package:

    python -I -S leash.py PARENT_PID SIGNAL USER_ID GROUP_ID PROGRAM ARGUMENT...

SIGNAL (a number) is what the kernel sends the child when its parent dies, even by SIGKILL. On systems without
that (all but Linux) only the ledger ends orphans, at the next start. A USER_ID other than -1 is taken on first:
the setting is cleared by a change of user, hence the order. It runs before `exec` rather than in a `preexec_fn`,
because running Python between fork and exec is unsafe in a process that has threads.

The kernel means the parent *thread*: start children from a thread that lives as long as they should.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_EXIT_ORPHAN = 125
_EXIT_NO_PROGRAM = 127


def _take_on(user_id: int, group_id: int) -> None:
    os.setgroups([])
    os.setgid(group_id)
    os.setuid(user_id)


def _tie_to_parent(parent: int, signal_number: int) -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before the tie was made
        sys.exit(_EXIT_ORPHAN)


def main(arguments: list[str]) -> None:
    """Becomes PROGRAM; returns never. Exits with 125 if the parent is gone, 127 if there is no such program."""
    parent, signal_number, user_id, group_id = (int(argument) for argument in arguments[:4])
    program = arguments[4:]
    if user_id != -1:
        _take_on(user_id, group_id)
    _tie_to_parent(parent, signal_number)
    try:
        os.execvp(program[0], program)
    except OSError as error:
        print(f"{program[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(_EXIT_NO_PROGRAM)


if __name__ == "__main__":
    main(sys.argv[1:])
