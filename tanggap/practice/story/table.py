"""The beats, in order. The guided story and the headless demo play the same functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from tanggap.execution.followup.models import Recommendation
from tanggap.practice.stage import Stage
from tanggap.practice.story import closing, following, listening, preparing

Where = Callable[[dict[str, Any]], str]
"""From what earlier beats noted to the path of a screen; "" when it is not there yet."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A real screen: its words, as whom (a key of the team; "" without sign-in), and where."""

    words: Any
    person: str
    where: Where


@dataclass(frozen=True, slots=True)
class Beat:
    """One step: its name, its title, one sentence what to look at, and what the world does."""

    name: str
    title: Any
    look: Any
    acts: tuple[Callable[[Stage], Any], ...]
    screens: tuple[Screen, ...] = ()
    phone: str = ""
    spectators_only: bool = False

    def play(self, stage: Stage) -> None:
        """Let the practice world do what belongs to this beat, and note what screens need."""
        for act in self.acts:
            act(stage)
        note(stage)


def note(stage: Stage) -> None:
    """Ids that addresses of screens are made of."""
    stage.notes["agency"] = stage.agency.slug
    if "said" in stage.notes:
        for said_id in ("b01", "w06", "w08", "w09", "f11"):
            if said_id in stage.notes["said"] and stage.has(said_id):
                stage.notes[f"talk_{said_id}"] = stage.talk(said_id).pk
        case = stage.case() if stage.has("b01") else None
        if case is not None:
            stage.notes["case"] = case.pk
            stage.notes["case_number"] = case.number
            for name, row in (
                ("finding", case.findings.first()),
                ("announcement", case.announcements.first()),
            ):
                if row is not None:
                    stage.notes[name] = row.pk
                    stage.notes[f"{name}_slug"] = getattr(row, "slug", "")
            decision = Recommendation.objects.filter(finding__case=case).first()
            if decision is not None:
                stage.notes["decision"] = decision.pk


def at(name: str, question: str = "", **wanted: str) -> Where:
    """The page `name`; `wanted` maps its arguments to names of notes, `question` names the note
    that holds what follows the "?"."""

    def where(notes: dict[str, Any]) -> str:
        if any(notes.get(key) is None for key in wanted.values()):
            return ""
        asked = f"?{notes[question]}" if notes.get(question) else ""
        try:
            return reverse(name, kwargs={one: notes[key] for one, key in wanted.items()}) + asked
        except NoReverseMatch:
            return ""

    return where


BEATS: tuple[Beat, ...] = (
    Beat(
        "plan",
        _("A plan that the head approved"),
        _("Look: every objective has a number to start from, a number to reach and a day."),
        (
            preparing.plan_is_approved,
            preparing.agenda_is_set,
            listening.save_answers,
            preparing.content_is_approved,
        ),
        (
            Screen(_("The plan"), "bupati", at("desk:planning-one", pk="plan")),
            Screen(_("The agenda"), "ratna", at("desk:activities-list")),
            Screen(_("What goes out"), "ratna", at("desk:publishing-list")),
        ),
    ),
    Beat(
        "morning",
        _("Monday morning: sixty people write"),
        _("Look at Today on the phone: what is late stands first, then what is due."),
        (preparing.first_post_leaves, listening.citizens_write),
        (
            Screen(_("Today"), "ratna", at("desk:today")),
            Screen(_("Incoming messages"), "sari", at("desk:inbox-list")),
        ),
        phone="ibu_dua_anak",
    ),
    Beat(
        "forty",
        _("Forty reports become one, nobody is dropped"),
        _("Look: one report, forty people, each with a number and a key of their own."),
        (listening.sort, listening.forty_become_one),
        (
            Screen(_("The report"), "ratna", at("desk:followup-case", pk="case")),
            Screen(
                _("What everybody may see"),
                "",
                at("public:case", agency="agency", number="case_number"),
            ),
        ),
        phone="ibu_dua_anak",
    ),
    Beat(
        "number",
        _("A NIK in public, masked and asked away in private"),
        _("Look: the digits never reach the screen; the citizen is asked where nobody else reads."),
        (listening.number_is_asked_away,),
        (Screen(_("The conversation"), "sari", at("desk:inbox-thread", pk="talk_b01")),),
        phone="tini",
    ),
    Beat(
        "critic",
        _("The critic whom nobody may hide"),
        _("Try to hide him: the refusal quotes the rule. Then read our answer to him."),
        (listening.critic_stays,),
        (Screen(_("The critic"), "ratna", at("desk:inbox-thread", pk="talk_w08")),),
        phone="bung_tegar",
    ),
    Beat(
        "answers",
        _("Everybody gets an answer; one report is nobody's business"),
        _("Look: only the rumour is left. The report about a bribe is seen by Hasan alone."),
        (listening.everybody_is_answered,),
        (
            Screen(_("Incoming messages"), "sari", at("desk:inbox-list")),
            Screen(_("Sealed reports"), "hasan", at("desk:inbox-sealed")),
        ),
        phone="mbah_karto",
    ),
    Beat(
        "unit",
        _("The unit answers by link, with a photo"),
        _("Look: no sign-in, one form, and the words of the unit stay the unit's."),
        (following.unit_gets_a_link, following.unit_answers),
        (
            Screen(_("The link on the unit's phone"), "", at("public:handover", token="token")),
            Screen(_("The report"), "sari", at("desk:followup-case", pk="case")),
        ),
    ),
    Beat(
        "cut",
        _("The network is cut in the middle of a post"),
        _("Look: the answer was lost, the post was looked up, and there is one of it, not two."),
        (preparing.answer_is_lost,),
        (Screen(_("The post that was cut"), "ratna", at("desk:publishing-one", pk="detour")),),
        phone="pemkab",
    ),
    Beat(
        "rumour",
        _("The quiz is held, the rumour corrected"),
        _("Look: at 16.30 the quiz did not leave. The correction stands where the rumour stood."),
        (preparing.quiz_is_held, preparing.hold_is_lifted, listening.rumour_is_corrected),
        (
            Screen(_("The conversation"), "sari", at("desk:inbox-thread", pk="talk_w06")),
            Screen(_("Clarifications"), "", at("public:clarifications", agency="agency")),
            Screen(_("The quiz"), "ratna", at("desk:publishing-one", pk="quiz")),
        ),
        phone="info_viral_skm",
    ),
    Beat(
        "decision",
        _("The head chooses"),
        _("Look: the counts add up to forty and each line opens its original; choose, say why."),
        (following.choice_is_put_to_the_head,),
        (
            Screen(_("The finding"), "ratna", at("desk:findings-finding", pk="finding")),
            Screen(_("The decision"), "bupati", at("desk:findings-decision", pk="decision")),
        ),
    ),
    Beat(
        "told",
        _("You said, we did"),
        _("Fourteen working days later. Look at the citizen's phone: the answer has come to her."),
        (
            following.head_decides,
            following.fourteen_days_pass,
            following.bridge_is_open,
            following.everybody_is_told,
        ),
        (
            Screen(
                _("The announcement"), "ratna", at("desk:findings-announcement", pk="announcement")
            ),
            Screen(
                _("What everybody may see"),
                "",
                at("public:result", agency="agency", slug="announcement_slug"),
            ),
        ),
        phone="ibu_dua_anak",
    ),
    Beat(
        "again",
        _("“Not yet”, says one, and it is opened again"),
        _("Look: one “belum” outweighs forty closed files; the clocks run anew."),
        (following.some_answer, following.it_is_opened_again),
        (
            Screen(_("The report"), "ratna", at("desk:followup-case", pk="case")),
            Screen(_("Her words"), "sari", at("desk:inbox-thread", pk="talk_f11")),
        ),
        phone="ibu_dua_anak",
    ),
    Beat(
        "closed",
        _("Now it is so"),
        _("Look at her phone, then at the report: closed, with a photo of what is there."),
        (following.it_is_closed,),
        (Screen(_("The report"), "ratna", at("desk:followup-case", pk="case")),),
        phone="ibu_dua_anak",
    ),
    Beat(
        "byte",
        _("One byte is changed, and found"),
        _("Somebody with the database's password changed one letter. Verify names it."),
        (closing.one_byte_is_changed, closing.proof_is_shown),
        (Screen(_("The archive"), "endang", at("desk:archive-list")),),
        spectators_only=True,
    ),
    Beat(
        "mended",
        _("The letter is put back"),
        _("Look: the archive verifies again. What was signed cannot be talked away."),
        (closing.byte_is_put_back, closing.proof_is_shown),
        (Screen(_("The archive"), "endang", at("desk:archive-list")),),
        spectators_only=True,
    ),
    Beat(
        "returns",
        _("What came of it, and the next plan"),
        _("Look: 17 numbers with their sources, honest where there is none; and the next draft."),
        (closing.numbers_come_in, closing.period_is_closed),
        (
            Screen(_("The return table"), "bupati", at("desk:monitoring-list", "period")),
            Screen(_("The page to print"), "bupati", at("desk:monitoring-report", "period")),
            Screen(_("The next plan"), "ratna", at("desk:planning-one", pk="next_plan")),
        ),
    ),
)
