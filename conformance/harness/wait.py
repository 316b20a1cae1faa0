"""Waiting with a deadline: the suites poll, they do not sleep and hope."""

import time

DEADLINE_S = 30.0


def until(check, what, deadline_s=DEADLINE_S, every_s=0.05):
    """Calls check until it returns something true and returns that; fails after deadline_s."""
    end = time.monotonic() + deadline_s
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() >= end:
            raise AssertionError(f"not within {deadline_s} s: {what}; last seen: {found!r}")
        time.sleep(every_s)


def holds(check, what, for_s, every_s=0.05):
    """Fails as soon as check returns something false during the next for_s seconds."""
    end = time.monotonic() + for_s
    while time.monotonic() < end:
        assert check(), f"did not hold for {for_s} s: {what}"
        time.sleep(every_s)
