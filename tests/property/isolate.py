"""Runs a function in a child process: a crash or a hang of the extension is a result too."""

import os
import pickle
import signal

TIME_LIMIT_S = 60


def run_isolated(function, *arguments):
    """(True, result), or (False, text) when the child died or took longer than TIME_LIMIT_S."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        stop_after(TIME_LIMIT_S)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(pickle.dumps(function(*arguments)))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if answer and os.waitstatus_to_exitcode(status) == 0:
        return True, pickle.loads(answer)
    return False, death_of(os.waitstatus_to_exitcode(status))


def stop_after(seconds):
    """Kills this process, even inside C code, unless it is called again in time; 0 never."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def death_of(exit_code):
    if exit_code == -signal.SIGALRM:
        return f"still running after {TIME_LIMIT_S} s"
    if exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"
