"""Is every post sent exactly once, whatever breaks?

    ./run bench deliver --trials 10000 --json

A trial is one delivery (a post, a part of a thread, a reply, some with a picture) to a server on
loopback that misbehaves by script (tests/fakes/mastodon_faults.py). Two workers of the product send
them. They are killed at every step, frozen past their leases, their wall clocks step, and their
database is stopped and started. The oracle is the server's own log.

Time is injected: `--speed` seconds pass for every second of the machine, for the workers' clocks,
deadlines and leases as for the server's, so that no constant of the product is changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mmap
import os
import random
import signal
import struct
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import sending  # noqa: E402

from tests.fakes.mastodon_faults import Clock, FaultServer  # noqa: E402

ACCOUNTS = 40
BLIND = frozenset({5, 6})
"""Accounts whose server never lets their posts be read back: a lost answer there is undecidable."""
WORKERS = 2
WAITING = 160
"""Trials that are due at once; more are released as these get done."""
THINKS = 15 * 60
"""Seconds until the person who is asked has looked at the network and answers."""
LOST = (
    "commit_timeout",
    "commit_reset",
    "commit_500",
    "commit_garbage",
    "commit_cut",
    "commit_html",
    "lag_reset",
    "lag_500",
    "lag_timeout",
    "late",
)
DROPPED = ("drop_reset", "drop_500", "drop_timeout", "drop_html")
LIMITED = ("429_reset", "429_after", "429_plain")
STEPS = (
    "claim.commit",
    "claimed",
    "aimed",
    "before_write",
    "after_write",
    "noted",
    "settled",
    "prepare.claimed",
    "loaded",
    "looking",
    "looked",
)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63f8cfc0f01f00050001ff89993d1d0000000049454e44ae426082"
)


def script(text: str, nth: int) -> str:
    """What the server does with the nth POST of a text: the same for every run of a seed. At most
    one of the sends of a trial is dropped without a trace."""
    dice = random.Random(f"{SEED} {text}")
    plan = []
    while dice.random() < 0.04:
        plan.append(dice.choice(LIMITED))
    kind = dice.random()
    if kind < 0.40:
        plan.append(dice.choice(LOST))
    elif kind < 0.55:
        plan += [dice.choice(DROPPED), dice.choice(["ok", "slow", *LIMITED])]
    elif kind < 0.65:
        plan.append("slow")
    return plan[nth] if nth < len(plan) else "ok"


SEED = 1


def main(asked: list[str] | None = None) -> int:
    global SEED
    arguments = argparse.ArgumentParser(prog="./run bench deliver")
    arguments.add_argument("--trials", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument(
        "--speed", type=float, default=0.0, help="of time; by default as the machine's load allows"
    )
    arguments.add_argument("--no-plagues", action="store_true", help="only the server misbehaves")
    arguments.add_argument(
        "--calm",
        type=float,
        default=0.0,
        help="how many times longer it is from plague to plague; by default 1 to 4, more for more "
        "trials, so that many deliveries stand between two kills",
    )
    arguments.add_argument("--limit-s", type=float, default=7200, help="give up after so long")
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args(asked)
    SEED = given.seed
    given.speed = given.speed or affordable()
    given.calm = given.calm or min(4.0, max(1.0, given.trials / 500))
    begun = time.monotonic()
    with sending.installation() as home:
        found = Trials(given, home).run()
    found["seconds"] = round(time.monotonic() - begun)
    found["machine"] = sending.machine()
    if given.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:18} {value}")
    bad = found["duplicates"] or found["lost"] or found["unsettled"]
    return 1 if bad or found["asked_a_person"] > found["undecidable"] else 0


def affordable() -> float:
    """How fast time may run so that the product's deadlines still leave the machine time to work:
    30 on an idle machine, less on a busy one."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    return round(max(5.0, 30.0 / max(1.0, 1.5 * busy)), 1)


class Shared:
    """What the parent tells a worker while it runs: a step to die at, seconds its wall clock is
    wrong by, and whether to end."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, 64)

    @property
    def step(self) -> int:
        return int(struct.unpack_from("i", self._map, 0)[0])

    @step.setter
    def step(self, value: int) -> None:
        struct.pack_into("i", self._map, 0, value)

    @property
    def wrong(self) -> float:
        return float(struct.unpack_from("d", self._map, 8)[0])

    @wrong.setter
    def wrong(self, value: float) -> None:
        struct.pack_into("d", self._map, 8, value)


# --- a worker ------------------------------------------------------------------------------------


def work(shared: Shared, clock: Clock) -> None:
    """The worker's life, in a process of its own, with its time injected."""
    from tanggap.execution.publishing import confirm, deliver, remove, steady, sweep
    from tanggap.execution.publishing.senders import Senders

    def wall() -> float:
        return clock.now().timestamp() + shared.wrong

    def now() -> datetime:
        return clock.now() + timedelta(seconds=shared.wrong)

    inject(clock)
    die_at(shared)
    steady.OURS = steady.Pair(wall, clock.monotonic)
    watch = sweep.Watch(clock.monotonic)
    senders = Senders(wires=ACCOUNTS)
    lives: tuple[tuple[float, Callable[[], Any]], ...] = (
        (2, lambda: deliver.tick(now(), senders=senders, monotonic=clock.monotonic)),
        (5, lambda: confirm.tick(now(), monotonic=clock.monotonic, lookers=4)),
        (5, lambda: remove.tick(now(), monotonic=clock.monotonic)),
        (10, lambda: sweep.tick(now(), watch=watch)),
    )
    for every, tick in lives:
        threading.Thread(target=repeat, args=(every / clock.speed, tick), daemon=True).start()
    while os.getppid() != 1:
        time.sleep(0.5)
    os._exit(0)


def repeat(every: float, tick: Callable[[], Any]) -> None:
    from django.db import close_old_connections, connection

    while True:
        close_old_connections()
        try:
            tick()
        except Exception as error:
            # As the worker's table does: the next tick finds the same rows again.
            if os.environ.get("BENCH_LOUD"):
                print(type(error).__name__, error, file=sys.stderr, flush=True)
            connection.close()
        time.sleep(every)


def inject(clock: Clock) -> None:
    """Deadlines of requests run by the injected clock too; sockets wait in the machine's time."""
    from tanggap.core import http

    class Time:
        monotonic = staticmethod(clock.monotonic)

    http.time = Time  # type: ignore[assignment]
    left = http._Wire.left
    http._Wire.left = lambda self: left(self) / clock.speed  # type: ignore[method-assign]


def die_at(shared: Shared) -> None:
    """SIGKILL by our own hand at a named step, when the parent has asked for it."""
    from tanggap.channels.mastodon.channel import Mastodon
    from tanggap.execution.publishing import claim, confirm, deliver, prepare, settle

    def die(step: str) -> None:
        if shared.step == 1 + STEPS.index(step):
            os.kill(os.getpid(), signal.SIGKILL)

    def around(place: Any, name: str, before: str = "", after: str = "") -> None:
        function = getattr(place, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if before:
                die(before)
            found = function(*args, **kwargs)
            if after and found:
                die(after)
            return found

        setattr(place, name, wrapped)

    # Inside of the claim's transaction, and after it.
    around(claim, "_release", after="claim.commit", before="claim.commit")
    around(claim, "to_send", after="claimed")
    around(deliver, "aim", after="aimed")
    around(deliver, "_write", before="before_write", after="after_write")
    around(deliver, "_together", before="noted")
    around(settle, "published_each", after="settled")
    around(settle, "published", after="settled")
    around(claim, "to_prepare", after="prepare.claimed")
    around(prepare, "load", after="loaded")
    around(claim, "to_confirm", after="looking")
    around(confirm, "look", after="looked")
    around(Mastodon, "publish", after="after_write")


# --- the parent ----------------------------------------------------------------------------------


class Trials:
    def __init__(self, given: argparse.Namespace, home: Path) -> None:
        self.given, self.home = given, home
        self.dice = random.Random(given.seed)
        self.clock = Clock(sending.start_of_time(), given.speed)
        self.server = FaultServer(
            accounts=ACCOUNTS,
            clock=self.clock,
            log=home / "server.jsonl",
            script=script,
            blind=BLIND,
            flaky=0.05,
            seed=given.seed,
        )
        self.workers: dict[int, tuple[int, Shared]] = {}
        self.did: Counter[str] = Counter()
        self.said = 0.0
        self.stopped: dict[int, float] = {}
        self.righted: dict[int, float] = {}
        self.questions: dict[int, float] = {}
        self.published: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.read = 0

    def run(self) -> dict[str, Any]:
        self.server.start()
        try:
            self.office = sending.Office(
                self.server.url, self.server.port, ACCOUNTS, self.clock.now()
            )
            self.ids = self._queue()
            for number in range(WORKERS):
                self._fork(number)
            self._storm()
            unsettled = self._calm()
            return self._judge(unsettled)
        finally:
            for pid, _shared in self.workers.values():
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            self.server.stop()

    # --- set-up

    def _queue(self) -> list[int]:
        """All trials, due in ten years until they are released. Ids in the order of release."""
        from django.core.files.base import ContentFile
        from django.db import connection

        from tanggap.execution.publishing import schedule
        from tanggap.execution.publishing.models import Delivery
        from tanggap.messaging.models import Media, VariantMedia

        office, dice, now = self.office, self.dice, self.clock.now()
        media = Media(
            agency=office.agency,
            sha256=hashlib.sha256(PNG).digest(),
            mime="image/png",
            size=len(PNG),
            alt="Jembatan baru",
            uploaded_by=office.editor,
            uploaded_at=now,
        )
        media.file.save("jembatan.png", ContentFile(PNG))
        left, wanted = self.given.trials, []
        while left > 0:
            # Words that no other trial begins with: the oracle knows them by their words.
            number = f"{self.given.trials - left:05d}"
            account, kind = dice.randrange(ACCOUNTS), dice.random()
            if kind < 0.45:
                schedule.queue_reply(
                    office.accounts[account],
                    text=f"Jawaban {number} untuk Ibu Sari",
                    reply_target=str(dice.randrange(100, 900)),
                    reply_handle="sari",
                    approved_by="rule:bench",
                    by=office.editor,
                    now=now,
                )
                left -= 1
                continue
            parts = min(left, dice.choice([1, 1, 1, 1, 2, 3]))
            wanted.append((account, [f"Kabar {number}, bagian {one}" for one in range(parts)]))
            left -= parts
        for message in office.messages(wanted):
            if dice.random() < 0.1:
                variant = message.variants.get()
                VariantMedia.objects.create(
                    agency=office.agency, variant=variant, media=media, order=0
                )
            schedule.queue(message, by=office.editor, now=now)
        Delivery.objects.update(due_at=now + timedelta(days=3650))
        # Parts of a thread are released together.
        rows = list(Delivery.objects.order_by("pk").values_list("pk", "variant_id"))
        connection.close()
        groups: dict[Any, list[int]] = defaultdict(list)
        for pk, variant in rows:
            groups[variant or f"reply {pk}"].append(pk)
        order = list(groups.values())
        dice.shuffle(order)
        return [pk for group in order for pk in group]

    def _fork(self, number: int, wrong: float = 0.0) -> None:
        from django.db import connection

        connection.close()
        shared = Shared()
        shared.wrong = wrong
        pid = os.fork()
        if not pid:
            try:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                work(shared, self.clock)
            finally:
                os._exit(1)
        self.workers[number] = (pid, shared)

    # --- the storm

    def _storm(self) -> None:
        """Release trials and break things until all are released and most are done."""
        from tanggap.execution.publishing.models import Delivery

        released, begun = 0, time.monotonic()
        plagues: tuple[tuple[float, Callable[[], None]], ...] = (
            (150 * self.given.calm, self._kill_at_a_step),
            (300 * self.given.calm, self._kill),
            (240 * self.given.calm, self._freeze),
            (200 * self.given.calm, self._step_the_clock),
            (700 * self.given.calm, self._restart_the_database),
        )
        now = self.clock.monotonic
        at = [now() + every * self.dice.uniform(0.4, 1) for every, _plague in plagues]
        while time.monotonic() - begun < self.given.limit_s:
            time.sleep(0.2)
            self._keep_alive()
            for index, (every, plague) in enumerate(plagues):
                if not self.given.no_plagues and now() >= at[index]:
                    at[index] = now() + every * self.dice.uniform(0.5, 1.5)
                    plague()
            done = self._try(self._answer_the_lesser_questions)
            self._try(lambda: self._answer_the_question(THINKS))
            self._progress(released)
            due = Delivery.objects.filter(
                pk__in=self.ids[:released],
                state__in=["queued", "preparing", "ready", "sending", "held", "late"],
            )
            open_ = self._try(due.count)
            if done is None or open_ is None:
                continue
            if released >= len(self.ids) and open_ < 10:
                return
            if open_ < WAITING and released < len(self.ids):
                ids = self.ids[released : released + 60]
                if self._try(
                    lambda ids=ids: Delivery.objects.filter(pk__in=ids).update(  # type: ignore[misc]
                        due_at=self.clock.now()
                    )
                ):
                    released += len(ids)

    def _kill_at_a_step(self) -> None:
        """Armed now, it dies when it gets there."""
        number = self.dice.choice(sorted(self.workers))
        _pid, shared = self.workers[number]
        if number not in self.stopped:
            shared.step = self.dice.randrange(1, len(STEPS) + 1)

    def _kill(self) -> None:
        number = self.dice.choice(sorted(self.workers))
        os.kill(self.workers[number][0], signal.SIGKILL)

    def _freeze(self) -> None:
        number = self.dice.choice(sorted(self.workers))
        if number not in self.stopped:
            os.kill(self.workers[number][0], signal.SIGSTOP)
            self.did["frozen"] += 1
            seconds = self.dice.uniform(62, 180)
            self.stopped[number] = time.monotonic() + seconds / self.clock.speed

    def _step_the_clock(self) -> None:
        number = self.dice.choice(sorted(self.workers))
        _pid, shared = self.workers[number]
        shared.wrong = self.dice.choice([-45, -20, 20, 45, -400, 400, -7200, 25200])
        self.righted[number] = time.monotonic() + self.dice.uniform(30, 90) / self.clock.speed
        self.did["clock stepped"] += 1

    def _restart_the_database(self) -> None:
        from django.db import connection

        from tanggap.core import database

        self.did["database restarted"] += 1
        connection.close()
        if database.is_local():
            database.stop()
            time.sleep(self.dice.uniform(0, 0.5))
            database.ensure_running(careless=True)
            return
        # Somebody else's cluster: break every connection of ours instead.
        self._try(self._break_connections)

    def _break_connections(self) -> bool:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SET ROLE NONE")
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.close()
        return True

    def _keep_alive(self) -> None:
        """Frozen workers thaw, dead ones are followed by new ones, wrong clocks are set right."""
        for number, until in list(self.stopped.items()):
            if time.monotonic() >= until:
                del self.stopped[number]
                os.kill(self.workers[number][0], signal.SIGCONT)
        for number, until in list(self.righted.items()):
            if time.monotonic() >= until:
                del self.righted[number]
                self.workers[number][1].wrong = 0.0
        for number, (pid, shared) in list(self.workers.items()):
            found, _status = os.waitpid(pid, os.WNOHANG)
            if found:
                self.stopped.pop(number, None)
                self.righted.pop(number, None)
                step = shared.step
                self.did[f"killed at {STEPS[step - 1]}" if step else "killed anywhere"] += 1
                # Now and then the machine's clock is wrong when a worker starts.
                wrong = 25200.0 if self.dice.random() < 0.05 else 0.0
                self._fork(number, wrong)
                if wrong:
                    self.did["started with a wrong clock"] += 1
                    until = self.dice.uniform(20, 60) / self.clock.speed
                    self.righted[number] = time.monotonic() + until

    def _answer_the_lesser_questions(self) -> bool:
        """A person says that what is late shall go, and that the clock is right again."""
        from tanggap.core.errors import Refused
        from tanggap.execution.publishing import ask, start
        from tanggap.execution.publishing.models import Delivery

        now = self.clock.now()
        for row in Delivery.objects.filter(state__in=["late", "held"])[:50]:
            try:
                ask.still_send(row, by=self.office.editor, now=now)
                self.did["late, sent all the same"] += 1
            except Refused:
                continue
        place = start.stopped()
        if place is not None and place.stopped == "clock" and not self.righted:
            start.allow(place, by=self.office.editor, agency=self.office.agency, now=now)
            self.did["clock said to be right"] += 1
        return True

    def _progress(self, released: int) -> None:
        if not os.environ.get("BENCH_LOUD") or time.monotonic() - self.said < 5:
            return
        self.said = time.monotonic()
        from tanggap.execution.publishing import start
        from tanggap.execution.publishing.models import Delivery

        def look() -> str:
            states = Counter(Delivery.objects.values_list("state", "trouble"))
            place = start.stopped()
            return f"{released} {dict(states)} {place.stopped if place else ''}"

        print(f"{self.clock.monotonic():8.0f} {self._try(look)}", file=sys.stderr, flush=True)

    def _try(self, act: Callable[[], Any]) -> Any:
        """None when the database is away."""
        from django.db import InterfaceError, OperationalError, connection

        try:
            return act()
        except (OperationalError, InterfaceError):
            connection.close()
            return None

    # --- the calm after it

    def _calm(self) -> int:
        """No more plagues. When all that can be settled is settled: how many are not."""
        for number, (pid, shared) in self.workers.items():
            shared.step, shared.wrong = 0, 0.0
            os.kill(pid, signal.SIGCONT)
            self.stopped.pop(number, None)
        self.righted.clear()
        left = self._settle(20 * 60)
        for _ in range(4):
            if not self._answer_the_question():
                break
            self._settle(12 * 60)
        self.asked = self._asked()
        return left

    def _settle(self, seconds: float) -> int:
        from django.db.models import Q

        from tanggap.execution.publishing.models import Delivery

        until = self.clock.monotonic() + seconds
        left = len(self.ids)
        # The rest of a thread waits for the answer about its part.
        waits = Q(follows__state="asked") | Q(follows__follows__state="asked")
        open_ = Delivery.objects.exclude(state__in=["published", "asked"]).exclude(waits)
        while self.clock.monotonic() < until and left:
            time.sleep(0.3)
            self._keep_alive()
            self._try(self._answer_the_lesser_questions)
            found = self._try(open_.count)
            left = left if found is None else found
        return left

    def _asked(self) -> set[int]:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT subject_id::bigint FROM archive_record"
                " WHERE verb = 'delivery.asked' AND subject_type = 'publishing.delivery'"
            )
            return {row[0] for row in cursor.fetchall()}

    def _answer_the_question(self, patience: float = 0.0) -> int:
        """A person who was asked so long ago has looked at the network, and says the truth."""
        from tanggap.execution.publishing import ask
        from tanggap.execution.publishing.models import Delivery

        at = self.clock.monotonic()
        asked = set(Delivery.objects.filter(state="asked").values_list("pk", flat=True))
        self.questions = {pk: self.questions.get(pk, at) for pk in asked}
        ripe = [pk for pk, since in self.questions.items() if at - since >= patience]
        if not ripe:
            return 0
        self._look_at_the_network()
        for row in Delivery.objects.filter(pk__in=ripe).select_related("account"):
            known = self.published.get(self._words(row))
            now = self.clock.now()
            if known:
                link = f"{self.server.url}/@akun/{known[0]['id']}"
                ask.published(row, link=link, by=self.office.editor, now=now)
            else:
                ask.send_again(row, by=self.office.editor, now=now)
        return len(ripe)

    # --- the oracle

    def _words(self, row: Any) -> str:
        handle = row.content.get("reply_handle", "")
        return f"@{handle} {row.content['text']}" if handle else str(row.content["text"])

    def _look_at_the_network(self) -> None:
        """Words → what the server really published of them, read on from where we were."""
        with self.server.log.open() as file:
            file.seek(self.read)
            for line in iter(file.readline, ""):
                if not line.endswith("\n"):
                    break
                self.read = file.tell()
                one = json.loads(line)
                if one["kind"] == "post" and one["id"] and not one.get("again"):
                    self.published[one["text"]].append(one)

    def _undecidable(self, rows: list[Any]) -> tuple[set[int], set[int]]:
        """Deliveries of which nobody can know by looking, whatever the product did: the answer was
        lost where posts can never be read back; or the answers of two sends were lost, and when
        the second was given up the server had published neither (one repeat is the machine's by
        design, docs/why/0020)."""
        from tanggap.execution.publishing.models import Attempt

        lost: dict[int, list[float]] = defaultdict(list)
        for one in Attempt.objects.filter(act="send", outcome="unknown").order_by("pk"):
            lost[one.delivery_id].append((one.ended_at - self.clock.at).total_seconds())
        unreadable, twice = set(), set()
        for row in rows:
            if lost[row.pk] and int(row.account.remote_id) in BLIND:
                unreadable.add(row.pk)
            elif len(lost[row.pk]) > 1:
                out = [one["at"] for one in self.published.get(self._words(row), [])]
                if not out or min(out) > lost[row.pk][1]:
                    twice.add(row.pk)
        return unreadable, twice

    def _judge(self, unsettled: int) -> dict[str, Any]:
        from tanggap.execution.publishing.models import Attempt, Delivery

        self._look_at_the_network()
        published = self.published
        rows = list(Delivery.objects.select_related("account"))
        lost_answers = Attempt.objects.filter(act="send", outcome="unknown").count()
        unreadable, twice = self._undecidable(rows)
        if os.environ.get("BENCH_LOUD"):
            self._tell(rows, published, unreadable | twice)
        faults = Counter(one["fault"] for one in self.server.events() if one["kind"] == "post")
        return {
            "trials": len(rows),
            "duplicates": sum(max(0, len(ids) - 1) for ids in published.values()),
            "lost": sum(1 for row in rows if not published.get(self._words(row))),
            "unsettled": unsettled,
            "undecidable": len(unreadable | twice),
            "asked_a_person": len(self.asked),
            "undecidable_unreadable": len(unreadable),
            "undecidable_lost_twice": len(twice),
            "answers_lost": lost_answers,
            "faults": dict(sorted(faults.items())),
            "speed": self.given.speed,
            "plagues": dict(sorted(self.did.items())),
        }

    def _tell(
        self, rows: list[Any], published: dict[str, list[dict[str, Any]]], known: set[int]
    ) -> None:
        """For whoever looks for the reason: the tries of every trial that went wrong."""
        from tanggap.execution.publishing.models import Attempt

        for row in rows:
            copies = published.get(self._words(row), [])
            odd = row.pk in self.asked and row.pk not in known
            if len(copies) == 1 and not odd and row.state == "published":
                continue
            print(
                f"--- {row.pk} {row.state} {row.trouble} account {row.account.remote_id}",
                self._words(row),
                copies,
                file=sys.stderr,
            )
            for one in Attempt.objects.filter(delivery=row).order_by("pk"):
                at = (one.ended_at - self.clock.at).total_seconds()
                print(f"   {at:9.1f} {one.act} {one.outcome} {one.facts}", file=sys.stderr)
            for event in self.server.events():
                if event.get("text") == self._words(row):
                    print(f"   server {event}", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
