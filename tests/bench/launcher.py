"""Runs a command and says on standard output what it took: seconds, CPU seconds, memory, exit status.

A small process of its own stands between, because the kernel counts the memory of the process that a command
was started from as the command's: the bench has hundreds of megabytes, this has ten.
"""

import json
import os
import subprocess
import sys
import time

began = time.monotonic()
process = subprocess.Popen(sys.argv[1:], stdout=2)
_, status, usage = os.wait4(process.pid, 0)
took = time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
print(json.dumps([*took, os.waitstatus_to_exitcode(status)]))  # noqa: T201
