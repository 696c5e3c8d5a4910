"""The work: the worker's functions, the sealer, sending, listening, backups. Findings in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from tanggap.core.models import Person
from tanggap.execution.publishing import start
from tanggap.execution.publishing.models import Place
from tanggap.health import figures
from tanggap.health.figures import Agencies
from tanggap.health.findings import Finding
from tanggap.health.models import Tick

PATIENCE = timedelta(seconds=120)
"""A function that succeeded longer ago than this, and than three of its periods, is late."""
SEAL_S = timedelta(seconds=60)
OVERDUE = timedelta(minutes=2)
UNSETTLED = timedelta(minutes=12)
"""A person is asked after ten."""
DEAF = timedelta(minutes=30)
BACKUP = timedelta(hours=26)

NAMES = {
    "tanggap.worker.send": _("Sending"),
    "tanggap.worker.look_up": _("Reading back what was sent"),
    "tanggap.execution.publishing.remove.tick": _("Removing posts"),
    "tanggap.execution.publishing.sweep.tick": _("Sweeping up what a lost worker left"),
    "tanggap.worker.hear": _("Listening"),
    "tanggap.execution.inbox.arrivals.tick": _("Taking in what networks sent"),
    "tanggap.execution.inbox.subscribe.tick": _("Keeping subscriptions"),
    "tanggap.execution.followup.hubs.tick": _("Telling hubs of news"),
    "tanggap.execution.inbox.reply.tick": _("Settling answers"),
    "tanggap.execution.inbox.claims.tick": _("Watching claims"),
    "tanggap.execution.followup.clocks.tick": _("Watching deadlines"),
    "tanggap.execution.followup.announce.tick": _("Telling contributors"),
    "tanggap.execution.followup.guesses.forget": _("Forgetting wrong guesses"),
    "tanggap.monitoring.collect.tick": _("Measuring posts"),
    "tanggap.execution.publishing.foresee.tick": _("Foreseeing posts whose account is shut"),
    "tanggap.accounts.verify.tick": _("Looking at the accounts"),
    "tanggap.archive.seal.seal": _("Sealing the archive"),
    "tanggap.worker.tidy": _("Tidying up"),
}


def name(tick: Tick) -> str:
    """The function in words; its address in the code where nobody gave it any."""
    return str(NAMES.get(tick.name, tick.name))


def is_late(tick: Tick, now: datetime) -> bool:
    """Whether it should have succeeded again by now. One that was never run yet waits its turn."""
    patience = max(PATIENCE, timedelta(seconds=3 * tick.every_s))
    if tick.done_at is None:
        return tick.failed_at is not None
    return now - tick.done_at > patience


def span(some: timedelta) -> str:
    """A length of time in words, in the largest whole unit."""
    seconds = max(0, int(some.total_seconds()))
    if seconds < 120:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if seconds < 2 * 3600:
        return ngettext("%(n)d minute", "%(n)d minutes", seconds // 60) % {"n": seconds // 60}
    if seconds < 48 * 3600:
        return ngettext("%(n)d hour", "%(n)d hours", seconds // 3600) % {"n": seconds // 3600}
    return ngettext("%(n)d day", "%(n)d days", seconds // 86400) % {"n": seconds // 86400}


def people() -> Iterator[Finding]:
    """Whether anybody can sign in at all."""
    count = Person.objects.count()
    yield Finding(
        "people",
        count > 0,
        ngettext("%(n)d person can sign in.", "%(n)d people can sign in.", count) % {"n": count}
        if count
        else gettext("Nobody can sign in."),
        "" if count else gettext("Run: tanggap admin create"),
    )


def ticks(now: datetime) -> Iterator[Finding]:
    """The worker as a whole, else each of its functions that is late."""
    rows = list(Tick.objects.order_by("name"))
    last = max((row.done_at for row in rows if row.done_at), default=None)
    if last is None and not any(row.failed_at for row in rows):
        yield Finding(
            "worker",
            False,
            gettext("No worker has run here."),
            gettext("Start it: tanggap serve, or tanggap worker beside it."),
        )
        return
    if last is not None and now - last > PATIENCE:
        yield Finding(
            "worker",
            False,
            gettext("The worker last did something %(ago)s ago.") % {"ago": span(now - last)},
            gettext("Start it again: systemctl restart tanggap-worker (or tanggap serve)."),
        )
        return
    late = [row for row in rows if is_late(row, now)]
    if not late:
        yield Finding("worker", True, gettext("The worker is at work."))
    for row in late:
        about = {
            "name": name(row),
            "n": row.failures,
            "error": row.failed_why or "-",
            "ago": span(now - row.done_at) if row.done_at else "",
        }
        yield Finding(
            "worker",
            False,
            gettext("%(name)s: last success %(ago)s ago, %(n)d failures in a row (%(error)s).")
            % about
            if row.done_at
            else gettext("%(name)s: never succeeded, %(n)d failures in a row (%(error)s).") % about,
            gettext(
                "Read the worker's log (journalctl -u tanggap-worker), mend what it names, and "
                "restart the worker. Nothing is lost meanwhile."
            ),
        )


def sealer(agencies: Agencies, now: datetime) -> Iterator[Finding]:
    """Whether what happens is sealed and signed in time."""
    found = figures.sealing(agencies)
    if found.waiting_since and now - found.waiting_since > SEAL_S:
        yield Finding(
            "sealer",
            False,
            ngettext(
                "%(n)d record has waited for its seal for %(ago)s.",
                "%(n)d records have waited for their seal for %(ago)s.",
                found.waiting,
            )
            % {"n": found.waiting, "ago": span(now - found.waiting_since)},
            gettext(
                "See that the worker runs. When it does, run tanggap archive verify: the sealer "
                "stops where the stored log was changed."
            ),
        )
    elif found.signed_at:
        yield Finding(
            "sealer",
            True,
            gettext("Everything is sealed; the last head was signed %(ago)s ago.")
            % {"ago": span(now - found.signed_at)},
        )


def sending() -> Iterator[Finding]:
    """Whether this installation may send."""
    place = start.stopped()
    off = place.stopped if place else ""
    if not off and start.known() is None and Place.objects.exists():
        off = "copied"
    if not off:
        yield Finding("sending", True, gettext("Sending is on."))
        return
    why = {
        "copied": gettext("Sending is off: the database was sent from another place before."),
        "restored": gettext("Sending is off: an older copy of the data was restored here."),
        "clock": gettext("Sending is on hold: the machine's clock jumped."),
        "off": gettext("Sending is off: an operator switched it off."),
    }
    yield Finding(
        "sending",
        False,
        why.get(off, off),
        gettext(
            "When this is the only installation that sends and its clock is right: "
            "tanggap sending on, or the page Publishing."
        ),
    )


def queue(agencies: Agencies, now: datetime) -> Iterator[Finding]:
    """Whether what is due leaves, and whether what left is settled."""
    late = figures.overdue(agencies, now)
    if late.since and now - late.since > OVERDUE:
        yield Finding(
            "queue",
            False,
            ngettext(
                "%(n)d post is due and has not left for %(ago)s.",
                "%(n)d posts are due and have not left, the oldest for %(ago)s.",
                late.count,
            )
            % {"n": late.count, "ago": span(now - late.since)},
            gettext(
                "See that the worker runs and sending is on; then look at the page Publishing."
            ),
        )
    else:
        left = figures.lateness(agencies, now)
        yield Finding(
            "queue",
            True,
            gettext("Nothing is late. In the last hour %(n)d left, 95%% within %(s)d seconds.")
            % {"n": left.published, "s": left.p95}
            if left.p95 is not None
            else gettext("Nothing is late."),
        )
    since = figures.unsettled_since(agencies)
    if since and now - since > UNSETTLED:
        yield Finding(
            "unsettled",
            False,
            gettext("A send of unknown outcome has waited for its look-up for %(ago)s.")
            % {"ago": span(now - since)},
            gettext("See that the worker runs; it looks up by itself or asks a person."),
        )


def accounts(agencies: Agencies, now: datetime) -> Iterator[Finding]:
    """Each account that does not send or hear."""
    rows = figures.accounts(agencies, now)
    trouble = 0
    for one in rows:
        named = f"{one.account.display_name} ({one.account.handle})"
        if one.account.state == "paused" and one.account.paused_code == "credentials":
            text = gettext("%(name)s: the network refuses our credentials.") % {"name": named}
            fix = gettext("Connect the account again on the page Official accounts.")
        elif one.deaf or (one.heard and now - one.heard > DEAF and one.account.state != "paused"):
            text = gettext("%(name)s cannot be heard (%(code)s).") % {
                "name": named,
                "code": one.deaf or "late",
            }
            fix = gettext(
                "When its network is down, wait: listening goes on where it stopped. Otherwise "
                "connect the account again."
            )
        elif one.account.trouble and one.account.state == "connected":
            text = gettext("%(name)s: the daily look at the network fails (%(code)s).") % {
                "name": named,
                "code": one.account.trouble,
            }
            fix = gettext("It is tried again by itself. When it lasts, connect the account again.")
        else:
            continue
        trouble += 1
        yield Finding("account", False, text, fix)
    if rows and not trouble:
        yield Finding(
            "account",
            True,
            ngettext("%(n)d account sends and hears.", "%(n)d accounts send and hear.", len(rows))
            % {"n": len(rows)},
        )


def backups(agencies: Agencies, now: datetime) -> Iterator[Finding]:
    """The age of the last backup that `tanggap backup` brought to its end."""
    last = figures.backed_up(agencies)
    fix = gettext("Run tanggap backup every night: deploy/tanggap-backup.timer does.")
    if last is None:
        yield Finding("backup", False, gettext("There is no backup yet."), fix)
        return
    old = now - last > BACKUP
    yield Finding(
        "backup",
        not old,
        gettext("The last backup is %(ago)s old.") % {"ago": span(now - last)},
        fix if old else "",
    )
