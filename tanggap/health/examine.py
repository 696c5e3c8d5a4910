"""Is this installation well, and what is to be done if not: findings in the order of mending."""

from __future__ import annotations

from datetime import datetime

from tanggap.health import machine, work
from tanggap.health.figures import Agencies
from tanggap.health.findings import Finding


def ground() -> list[Finding]:
    """What can be asked of a database without our tables."""
    return [*machine.server(), *machine.server_log(), *machine.clocks(), *machine.disks()]


def life(agencies: Agencies, now: datetime) -> list[Finding]:
    """What stands in our tables: of these agencies, of all when None."""
    return [
        *machine.tables(),
        *work.people(),
        *work.ticks(now),
        *work.sending(),
        *work.queue(agencies, now),
        *work.accounts(agencies, now),
        *work.sealer(agencies, now),
        *work.backups(agencies, now),
        *machine.files(),
    ]


def surroundings() -> list[Finding]:
    """What the environment says."""
    return [*machine.secret(), *machine.mail(), *machine.practice()]


def examine(agencies: Agencies, now: datetime) -> list[Finding]:
    """Everything, of a database whose tables are up to date."""
    return [*ground(), *life(agencies, now), *surroundings()]
