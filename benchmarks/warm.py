#!/usr/bin/env -S python3 -S -E
"""Jobs without the seconds in which Python loads its libraries: one process has them and forks for each job.

As the shell of Snakemake's rules (``warm.py -c "<command of a rule>"``) it hands the command over and waits; anything
that is not one call of the package goes to bash. ``serve`` is the other side.
"""

import json
import os
import socket
import sys

CALL, LOG = " -m abaw_pipeline ", " > "


def main() -> None:
    command = sys.argv[-1]
    if command.count(CALL) != 1 or not command.endswith(" 2>&1"):
        os.execv("/bin/bash", ["bash", *sys.argv[1:]])
    words, log = command.removesuffix(" 2>&1").split(CALL)[1].split(LOG)
    asked = {"words": words, "log": log, "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as there:
        there.connect(os.environ["ABAW_WARM"])
        there.sendall(json.dumps(asked).encode() + b"\n")
        answer = there.makefile().readline()
    sys.exit(int(answer or 1))


def serve(path: str) -> None:
    """Answer calls at a socket until this process ends."""
    import socketserver

    import torch  # noqa: F401

    import abaw_pipeline.cli.extract
    import abaw_pipeline.ensembles.blend
    import abaw_pipeline.features.extract
    import abaw_pipeline.features.remake
    import abaw_pipeline.media.build
    import abaw_pipeline.report.build
    import abaw_pipeline.training.infer
    import abaw_pipeline.training.loop
    import abaw_pipeline.training.train  # noqa: F401

    class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
        """Forks for every call."""

    with Server(path, Handler) as server:
        server.serve_forever()


class Handler:
    """One job, in a process of its own."""

    def __init__(self, request: socket.socket, _address: object, _server: object) -> None:
        import shlex

        from abaw_pipeline.cli import main as run

        asked = json.loads(request.makefile().readline())
        os.chdir(asked["folder"])
        os.environ.update(asked["environment"])
        log = os.open(asked["log"].strip().strip("'"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(log, stream)
        code = 1
        try:
            run(shlex.split(asked["words"]))
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        except BaseException:
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        request.sendall(f"{code}\n".encode())


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1] == "serve" else main()
