"""Figures for Prometheus, in its text format (version 0.0.4), read from the database.

Nothing is counted in this process, so that any process of any machine says the same. Labels name
agencies, accounts by number, states and functions: no citizen, no words, no secret.
docs/reference/metrics.md lists every name; a test keeps it complete.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from tanggap import __version__
from tanggap.execution.publishing import start
from tanggap.execution.publishing.models import Place
from tanggap.health import figures
from tanggap.health.figures import Agencies
from tanggap.health.models import Tick

Labels = dict[str, str]
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """One gauge with its samples. A value that is not known has no sample."""

    name: str
    help: str
    samples: tuple[tuple[Labels, float | None], ...]


def text(agencies: Agencies, now: datetime) -> str:
    """The whole answer to a scrape."""
    lines: list[str] = []
    for metric in metrics(agencies, now):
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} gauge"]
        for labels, value in metric.samples:
            if value is not None:
                inside = ",".join(f'{name}="{_escaped(said)}"' for name, said in labels.items())
                lines.append(
                    f"{metric.name}{{{inside}}} {value:.15g}"
                    if inside
                    else f"{metric.name} {value:.15g}"
                )
    return "\n".join(lines) + "\n"


def metrics(agencies: Agencies, now: datetime) -> Iterator[Metric]:
    """Every metric, in the order of the reference."""
    yield Metric("tanggap_info", "The version that answers.", (({"version": __version__}, 1),))
    yield Metric(
        "tanggap_sending", "1 where sending is on, 0 where it is off.", ((_none(), _on()),)
    )
    yield from _publishing(agencies, now)
    yield from _inbox(agencies)
    yield from _ticks(now)
    yield from _accounts(agencies, now)
    yield from _archive(agencies, now)
    yield from _machine(agencies, now)


def _publishing(agencies: Agencies, now: datetime) -> Iterator[Metric]:
    yield _by(
        "tanggap_deliveries", "Deliveries that are not over.", "state", figures.deliveries(agencies)
    )
    late = figures.overdue(agencies, now)
    yield _one(
        "tanggap_deliveries_overdue", "Due and not gone, though nothing holds them.", late.count
    )
    yield _one(
        "tanggap_deliveries_overdue_seconds",
        "How long the oldest of these is due.",
        _age(late.since, now) or 0,
    )
    since = figures.unsettled_since(agencies)
    yield _one(
        "tanggap_deliveries_unsettled_seconds",
        "How long the oldest send of unknown outcome waits.",
        _age(since, now) or 0,
    )
    left = figures.lateness(agencies, now)
    yield _one("tanggap_published_last_hour", "Posts that left in the last hour.", left.published)
    yield Metric(
        "tanggap_lateness_seconds",
        "How late they left, against the instant that was wanted.",
        (
            ({"quantile": "0.5"}, left.p50),
            ({"quantile": "0.95"}, left.p95),
            ({"quantile": "1"}, left.most),
        ),
    )


def _inbox(agencies: Agencies) -> Iterator[Metric]:
    found = figures.conversations(agencies)
    yield _by("tanggap_conversations", "Conversations of the inbox.", "state", found)
    held = figures.quarantined(agencies)
    yield _one("tanggap_items_quarantined", "Items that were set apart.", held)


def _ticks(now: datetime) -> Iterator[Metric]:
    rows = list(Tick.objects.order_by("name"))
    yield Metric(
        "tanggap_tick_age_seconds",
        "Since a function of the worker last succeeded.",
        tuple(({"tick": row.name}, _age(row.done_at, now)) for row in rows),
    )
    yield Metric(
        "tanggap_tick_failures",
        "Failures in a row since then.",
        tuple(({"tick": row.name}, float(row.failures)) for row in rows),
    )
    yield Metric(
        "tanggap_tick_duration_seconds",
        "How long its last run took.",
        tuple(({"tick": row.name}, row.took_ms / 1000) for row in rows),
    )


def _accounts(agencies: Agencies, now: datetime) -> Iterator[Metric]:
    slugs, up, last = figures.slugs(), [], []
    for one in figures.accounts(agencies, now):
        account = one.account
        labels = {
            "agency": slugs.get(account.agency_id, ""),
            "account": str(account.pk),
            "channel": account.channel,
        }
        up.append((labels, float(account.state == "connected" and not one.deaf)))
        for what, at in (("send", one.sent), ("hear", one.heard), ("verify", one.verified)):
            last.append(({**labels, "what": what}, at.timestamp() if at else None))
    yield Metric("tanggap_account_up", "1 where an account is connected and heard.", tuple(up))
    yield Metric(
        "tanggap_account_last_success_timestamp_seconds",
        "When each work of an account last succeeded (a send within the last month).",
        tuple(last),
    )


def _archive(agencies: Agencies, now: datetime) -> Iterator[Metric]:
    found = figures.sealing(agencies)
    yield _one("tanggap_archive_records", "Records in signed heads.", found.sealed)
    yield _one("tanggap_archive_waiting", "Records that wait for their seal.", found.waiting)
    yield _one(
        "tanggap_archive_waiting_seconds",
        "How long the oldest of these waits.",
        _age(found.waiting_since, now) or 0,
    )
    yield _one(
        "tanggap_archive_head_age_seconds",
        "Since the newest head was signed.",
        _age(found.signed_at, now),
    )


def _machine(agencies: Agencies, now: datetime) -> Iterator[Metric]:
    at = figures.backed_up(agencies)
    yield _one("tanggap_backup_age_seconds", "Since the last backup ended well.", _age(at, now))
    yield _one("tanggap_database_bytes", "Size of the database.", figures.database_bytes())
    yield Metric(
        "tanggap_disk_free_bytes",
        "Room on the disks on which we write.",
        tuple(
            ({"of": what}, float(shutil.disk_usage(path).free))
            for what, path in (
                ("home", Path(settings.HOME)),
                ("media", Path(settings.MEDIA_ROOT)),
                ("anchors", Path(settings.ANCHOR_FILE).parent),
            )
            if path.exists()
        ),
    )


def _on() -> float:
    known = start.known() is not None or not Place.objects.exists()
    return float(known and start.stopped() is None)


def _none() -> Labels:
    return {}


def _one(name: str, about: str, value: float | None) -> Metric:
    return Metric(name, about, (({}, value),))


def _by(name: str, about: str, label: str, found: dict[str, int]) -> Metric:
    return Metric(name, about, tuple(({label: one}, float(n)) for one, n in found.items()))


def _age(at: datetime | None, now: datetime) -> float | None:
    return max(0.0, (now - at).total_seconds()) if at else None


def _escaped(said: str) -> str:
    return said.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
