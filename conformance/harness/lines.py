"""Programs that are told what to do and tell what happens, line by line."""

import re
import subprocess
import threading
import time


class Lines:
    """A program whose lines are kept, those of its standard error among them."""

    def __init__(self, command, **more):
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", **more,
        )
        self.lines, self.is_over = [], False
        self._news = threading.Condition(threading.RLock())
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._take(line.rstrip("\n"))
        self._take(None)

    def _take(self, line):
        with self._news:
            if line is None:
                self.is_over = True
            else:
                self.lines.append(line)
            self._news.notify_all()

    def tell(self, *words):
        """Tells it something; returns where its next line will be."""
        at = self.mark()
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return at

    def mark(self):
        with self._news:
            return len(self.lines)

    def all(self, pattern, since=0):
        """What of its lines, whole ones, matches a pattern."""
        with self._news:
            return [found for line in self.lines[since:] if (found := re.fullmatch(pattern, line))]

    def wait(self, pattern, deadline_s=30.0, since=0, count=1):
        """Waits for so many lines that match; returns the last of them."""
        end = time.monotonic() + deadline_s
        with self._news:
            while len(found := self.all(pattern, since)) < count:
                left = end - time.monotonic()
                assert left > 0 and not self.is_over, f"{len(found)} of {count} times: {pattern}\n{self.said()}"
                self._news.wait(left)
        return found[count - 1]

    def said(self):
        """Its last lines."""
        with self._news:
            return "\n".join(self.lines[-120:])

    def ended(self, deadline_s=30.0):
        """Waits for its end; its exit code."""
        try:
            code = self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not ended within {deadline_s} s\n{self.said()}") from None
        with self._news:
            assert self._news.wait_for(lambda: self.is_over, 5), "its output goes on"
        return code

    def kill(self):
        """Ends it as `kill -9` does."""
        self.process.kill()
        self.process.wait()
