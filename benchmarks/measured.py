"""Run a command and print what it took: seconds on the clock, seconds of processor time, megabytes.

    python -I -S benchmarks/measured.py COMMAND [ARGUMENT ...]

The system counts the memory of whatever started a process as the process's own until it is
replaced, so that a program is started from here, which holds little. Ends as the command does.
"""

import json
import os
import sys
import time


def main(words: list[str]) -> None:
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.perf_counter()
    number = os.posix_spawnp(words[0], words, os.environ, file_actions=silent)
    _, status, usage = os.wait4(number, 0)
    seconds = time.perf_counter() - begin
    print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss >> 10]))
    sys.exit(abs(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main(sys.argv[1:])
