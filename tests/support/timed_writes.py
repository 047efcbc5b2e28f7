"""A store whose writes take some time, and the rests between them: a busy machine can only lengthen a rest."""

import time


class TimedWrites:
    """`write` takes `seconds`; remembers when each began and ended."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: list[tuple[float, float]] = []

    def __len__(self) -> int:
        return len(self._times)

    def write(self) -> None:
        began = time.perf_counter()
        time.sleep(self._seconds)
        self._times.append((began, time.perf_counter()))

    def rests(self) -> list[float]:
        """Of each write but the last: the rest after it, as a multiple of what it took."""
        return [
            (following - ended) / (ended - began)
            for (began, ended), (following, _) in zip(self._times, self._times[1:], strict=False)
        ]
