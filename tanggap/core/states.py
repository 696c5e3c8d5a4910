"""States and allowed moves as data, checked when the class is made.

A graph is a class whose attributes are tuples: the state on the left may move to the states
on the right. The first state listed is where a thing begins; a state with an empty tuple is an end.

    class PlanStates(States):
        draft = ("reviewed",)
        reviewed = ("approved", "draft")
        approved = ()

`PlanStates.choices()` feeds the model field, `PlanStates.check("draft", "approved")` raises
`IllegalMove`. Pure Python: nothing here knows the database (archive/move.py does).
"""

from __future__ import annotations

from typing import ClassVar


class IllegalMove(Exception):
    """The thing is not in a state from which this move is allowed. Says both states."""

    def __init__(self, graph: str, source: str, target: str, allowed: tuple[str, ...]) -> None:
        self.graph, self.source, self.target, self.allowed = graph, source, target, allowed
        ways = ", ".join(allowed) or "nothing: it has ended"
        super().__init__(f"{graph}: cannot move from {source} to {target}; allowed: {ways}.")


class States:
    """Base of every state graph. Subclasses are checked when they are made."""

    moves: ClassVar[dict[str, tuple[str, ...]]] = {}
    initial: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        moves = {
            name: value
            for name, value in vars(cls).items()
            if not name.startswith("_") and isinstance(value, tuple)
        }
        if not moves:
            raise TypeError(f"{cls.__name__} has no states.")
        for source, targets in moves.items():
            unknown = [target for target in targets if target not in moves]
            if unknown:
                raise TypeError(f"{cls.__name__}.{source} moves to unknown states: {unknown}.")
            if source in targets:
                raise TypeError(f"{cls.__name__}.{source} moves to itself.")
        initial = next(iter(moves))
        reached, frontier = {initial}, [initial]
        while frontier:
            for target in moves[frontier.pop()]:
                if target not in reached:
                    reached.add(target)
                    frontier.append(target)
        lonely = [state for state in moves if state not in reached]
        if lonely:
            raise TypeError(f"{cls.__name__}: no way from {initial} to {lonely}.")
        cls.moves, cls.initial = moves, initial

    @classmethod
    def check(cls, source: str, target: str) -> None:
        """Raise IllegalMove unless `source` may move to `target`."""
        allowed = cls.moves.get(source, ())
        if target not in allowed:
            raise IllegalMove(cls.__name__, source, target, allowed)

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Pairs for a model field; what the screen says comes from the template's words."""
        return [(state, state) for state in cls.moves]

    @classmethod
    def ends(cls) -> tuple[str, ...]:
        """States that nothing leaves."""
        return tuple(state for state, targets in cls.moves.items() if not targets)
