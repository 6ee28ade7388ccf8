"""How runs end: the only list of statuses, for the engine, the store, the tables and the schema."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Status(StrEnum):
    """How the runs behind a row ended, the worst first: a row shows the worst of its seeds."""

    meaning: str

    SKIPPED = "skipped", "it makes no sense here, `reason` says why"
    FAILED = "failed", "the plug-in does not compile, raised an error or left its arrays"
    DIVERGED = "diverged", "the loss exploded, or a number is not finite"
    INTERRUPTED = "interrupted", "Ctrl-C ended it"
    TIMEOUT = "timeout", "the time limit ended it"
    STALLED = "stalled", "its parameters repeat where the gradient is not small"
    HORIZON = "horizon", "it took all of its steps"
    CONVERGED = "converged", "it is at rest, its gradient is small"

    def __new__(cls, value: str, meaning: str) -> Status:
        """Return a member: its name in tables, and what it means."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    def __repr__(self) -> str:
        return repr(self.value)

    @property
    def ran(self) -> bool:
        """Whether any step was taken."""
        return self not in (Status.SKIPPED, Status.FAILED)

    @property
    def has_numbers(self) -> bool:
        """Whether the last predictor and loss mean anything."""
        return self.ran and self is not Status.DIVERGED

    @property
    def ended_early(self) -> bool:
        """Whether a reason must say why the run did not go to the end."""
        return self not in (Status.HORIZON, Status.CONVERGED)

    @property
    def final(self) -> bool:
        """Whether the same run again would end alike, so that its results may be kept."""
        return self not in (Status.FAILED, Status.INTERRUPTED, Status.TIMEOUT)


def worst(statuses: Iterable[Status]) -> Status:
    """Return the status that a row shows for several seeds."""
    order = list(Status)
    return min(statuses, key=order.index)


# Of a contract test that would only say again what another one found.
NOT_RUN = "not run: see the failure above"
