"""Packages behind values and statements: what a value was made with, and what a statement sets up.

In: a statement, and what it did. Out: the story's `kin`, `setups` and `firm`, from which `slices` sees who needs which set-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubenb.notebook.dataflow import configuring
from kubenb.notebook.dataflow.records import Unit
from kubenb.notebook.dataflow.story import Story
from kubenb.notebook.dataflow.values import STANDARD, Effects, package

_SAID_ONLY = frozenset({"warnings", "gc", "time"})  # what a function sets up there changes no value


class Kin:
    """Notes them in the story. `now`: the packages of each name's present value."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.now: dict[str, frozenset[str]] = {}

    def note(self, unit: Unit, at: int, needs: Iterable[str], said: Effects, modules: Mapping[str, str]) -> None:
        """Packages whose objects the values may be or hold that a statement binds or changes."""
        now, story = self.now, self.story
        tops = {package(modules[name]) for name in needs if name in modules}
        found = frozenset((tops | set(unit.packages)) - STANDARD).union(*(now.get(name, ()) for name in needs))
        if not found and not now:
            return
        for name in (*unit.binds, *unit.maybes, *said.binds, *said.changed):
            sure = name in unit.binds or said.binds.get(name, False)
            if name in modules or (sure and (name, at) in story.plain):
                now.pop(name, None)
                continue
            now[name] = story.kin[name, at] = found if sure else found | now.get(name, frozenset())

    def set_up(self, unit: Unit, at: int, said: Effects, inside: bool) -> None:
        """Libraries that a statement sets up. One that binds names as well counts if that is certain.

        Work on files and the like: what an ordinary statement does goes along, as each task has a disk of its own; what a statement
        `inside` a task does is done once, there, and what it sets up beside that can't go along without it.
        """
        if inside:
            work = sorted(said.outside - configuring.ENDS)
            if said.passing:
                said.setups.clear()
            elif work:
                said.setups -= {package(name[1:-1]) for name in said.seeds}  # its state travels
                if said.setups:
                    self.story.works[at] = work[0]
        elif said.outside:
            said.setups.update(map(package, said.outside))
            said.passing |= not all(map(configuring.is_firm, said.outside))
        binds = bool(unit.maybes or (unit.binds and not unit.imports))
        if not said.setups or unit.deletes or (binds and (said.passing or not said.firm)):
            return
        roots = said.setups - _SAID_ONLY if binds and not said.direct else said.setups
        if roots:
            self.story.setups.append((at, tuple(sorted(roots))))
        if said.firm and said.direct and not said.seeds:
            self.story.firm.add(at)
