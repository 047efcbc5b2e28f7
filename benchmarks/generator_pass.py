"""One pass of a benchmark over the store."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pass:
    """What was stored, in which time, and in which CPU time of the writing processes and of mongod.

    `batch`: documents in one insert, 0 where the generator decides; `memory`: every second, (tick,
    bytes of each worker); of what a worker shares with others its share (PSS).
    """

    documents: int
    seconds: float
    writers_cpu_seconds: float
    mongod_cpu_seconds: float = 0.0
    batch: int = 0
    memory: list[tuple[int, list[int]]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Documents per second."""
        return self.documents / self.seconds

    @property
    def writers_cpu_us(self) -> float:
        """Microseconds per document."""
        return self.writers_cpu_seconds / self.documents * 1e6

    @property
    def mongod_cpu_us(self) -> float:
        """Microseconds per document."""
        return self.mongod_cpu_seconds / self.documents * 1e6
