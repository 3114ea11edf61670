# SPDX-License-Identifier: Apache-2.0
"""A program on a pseudo-terminal, and what a person would see there."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

SEQUENCE = re.compile(r"\x1b\[(\?)?([0-9;]*)([A-Za-z])")


class Screen:
    """As much of a terminal as our programs use. Lines do not scroll off: there is no upper edge but 0."""

    def __init__(self):
        self.lines, self.row, self.column = [""], 0, 0
        self.cursor_hidden = False

    def feed(self, text):
        at = 0
        while at < len(text):
            match = SEQUENCE.match(text, at)
            if match:
                self.control(*match.groups())
                at = match.end()
                continue
            assert text[at] != "\x1b", f"unknown sequence {text[at:at + 10]!r}"
            self.put(text[at])
            at += 1
        return self

    def control(self, private, arguments, kind):
        n = int(arguments or 0) if ";" not in arguments else 0
        if kind == "A":
            self.row = max(0, self.row - max(1, n))
        elif kind == "K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif kind == "J" and n == 0:
            self.lines[self.row] = self.lines[self.row][:self.column]
            del self.lines[self.row + 1:]
        elif kind == "J":
            self.lines = [""] * (self.row + 1)
        elif kind == "H":
            self.row = self.column = 0
        elif private and arguments == "25":
            self.cursor_hidden = kind == "l"
        else:
            assert kind == "m", f"unknown sequence {kind}"

    def put(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")
        else:
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + char + line[self.column + 1:]
            self.column += 1

    def text(self):
        return "\n".join(line.rstrip() for line in self.lines)


class Terminal:
    """Runs argv on a terminal of columns × rows; output is read by a thread of its own."""

    def __init__(self, argv, env, columns=80, rows=24):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.process = subprocess.Popen(argv, env=env, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.data = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.data += data

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def output(self):
        return self.data.decode("utf-8", "replace")

    def screen(self):
        # A sequence may have come by half.
        return Screen().feed(re.sub(r"\x1b(\[[?0-9;]*)?$", "", self.output()))

    def wait(self, timeout):
        code = self.process.wait(timeout)
        self.reader.join(timeout)
        return code

    def close(self):
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.reader.join(5)
        os.close(self.master)
