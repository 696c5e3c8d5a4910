"""Reference docs keep up with the code: commands, environment, glossary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps

from tanggap.cli import COMMANDS, parser

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
NAMES = re.compile(r"\b(?:TANGGAP_[A-Z_]*[A-Z]|DATABASE_URL|EMAIL_URL)\b")


def test_every_command_and_option_is_documented():
    text = (DOCS / "reference" / "command.md").read_text()
    sections = dict(re.findall(r"^## `tanggap (.+?)`\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    assert set(sections) == {path for path, _function, _options in COMMANDS}
    for path, _function, options in COMMANDS:
        written = set(re.findall(r"^\| `(.+?)` \|", sections[path], re.M))
        assert written == {" ".join(flags) for flags, _details in options}, path


@pytest.mark.parametrize("path", [path for path, _function, _options in COMMANDS])
def test_every_command_explains_itself(path, capsys):
    if path == "django":
        return
    with pytest.raises(SystemExit) as end:
        parser().parse_args([*path.split(), "--help"])
    assert end.value.code == 0
    assert "usage: tanggap" in capsys.readouterr().out


def test_every_variable_is_documented_and_none_is_invented():
    used = set()
    files = [*ROOT.glob("tanggap/**/*.py"), *ROOT.glob("tests/**/*.py"), ROOT / "run"]
    for path in files:
        if path != Path(__file__):
            used |= set(NAMES.findall(path.read_text()))
    text = (DOCS / "reference" / "environment.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)` \|", text, re.M))
    assert used - documented == set(), "add these to docs/reference/environment.md"
    assert documented - used == set(), "nothing reads these"


def test_the_glossary_names_every_model():
    text = (DOCS / "glossary.md").read_text()
    missing = [
        model._meta.label
        for model in apps.get_models()
        if model.__module__.startswith("tanggap.") and f"`{model.__name__}`" not in text
    ]
    assert missing == []


PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md")), *ROOT.glob("tanggap/**/*.md")]
# Pictures of screens are made from a running system.
MADE = "docs/screens/"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        target = (page.parent / link.partition("#")[0]).resolve()
        ours = not re.match(r"[a-z]+:|#", link) and MADE not in link
        if ours and not target.exists():
            broken.append(link)
    assert broken == []


def test_the_units_start_commands_that_exist():
    units = sorted((ROOT / "deploy").glob("*.service"))
    assert units
    for unit in units:
        (command,) = re.findall(r"^ExecStart=\S+/tanggap (.+)$", unit.read_text(), re.M)
        parser().parse_args(command.split())


def test_every_variable_of_the_example_is_documented():
    text = (DOCS / "reference" / "environment.md").read_text()
    for name in re.findall(r"^([A-Z_]+)=", (ROOT / "deploy" / "tanggap.env").read_text(), re.M):
        assert f"`{name}`" in text
