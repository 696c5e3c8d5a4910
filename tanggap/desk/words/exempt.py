"""What is said of exempt information: the letters of UU 14/2008 art. 17, in short."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, dict[str, object]] = {
    "article_17": {
        "a": _("a. It would obstruct law enforcement or reveal a reporter, witness or victim"),
        "b": _("b. Intellectual property and unfair competition"),
        "c": _("c. Defence and security of the state"),
        "d": _("d. It would reveal natural wealth"),
        "e": _("e. National economic resilience"),
        "f": _("f. Foreign relations"),
        "g": _("g. A personal deed or will"),
        "h": _("h. Personal secrets"),
        "i": _("i. Memoranda that are secret by nature"),
        "j": _("j. What another law keeps closed"),
    },
}
