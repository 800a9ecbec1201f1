"""A service manager in small: listens, and starts a program when somebody calls.

    activate.py [-s] SOCKET ... -- COMMAND ...      (SOCKET: a path, or @NAME; -s: of type SOCK_STREAM)

Passes the sockets by the protocol of sd_listen_fds(3), keeps them, and starts the command again
whenever somebody calls and it has ended. Prints `started` and `ended STATUS`.
"""
import os
import select
import socket
import sys

kind = socket.SOCK_SEQPACKET
args = sys.argv[1:]
if args[0] == '-s':
    kind = socket.SOCK_STREAM
    args = args[1:]
names, command = args[:args.index('--')], args[args.index('--') + 1:]
listeners = []
for name in names:
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind('\0' + name[1:] if name[0] == '@' else name)
    if name[0] == '/':
        os.chmod(name, 0o666)
    s.listen(64)
    listeners.append(s)
while True:
    select.select(listeners, [], [])
    print('started', flush=True)
    pid = os.fork()
    if pid == 0:
        copies = [os.dup2(s.fileno(), 50 + i) for i, s in enumerate(listeners)]
        for i, fd in enumerate(copies):
            os.dup2(fd, 3 + i, inheritable=True)
        os.closerange(3 + len(copies), 256)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(copies)))
        os.execv(command[0], command)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print('ended', status, flush=True)
    if status:
        sys.exit(status)
