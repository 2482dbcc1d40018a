"""Asking an LLM for a network: the prompt, the answer, and what was wrong with it handed back until it can be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ...ir import Module, NascError
from ..engine import Change, Proposal, Space, Spot
from ..llm import Answer, BadAnswer, ContextTooLong, Message, Prompt
from ..prompts import examples, filled
from ..questions import Style, style_of
from .drawing import LIMIT, UNINTENDED, Drawing, Intent, check
from .narrowing import about, holds

Messages = Callable[[int], tuple[Message, ...]]
_SHRINKS = 3
_SHORTEST = 200
_HEAT = 0.3
SEEN = "edit-seen"
KNOWN = "this network was tried before"
_WHY = re.compile(r"\s*why:[ \t]*([^\n]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """What an LLM is asked for.

    ``messages`` gives the conversation so far with a network shown in about so many characters, ``grammar`` holds the
    answer, ``read`` makes a network of it and raises NascError, worded for the LLM, where it cannot. ``soft`` is a
    soft prompt for the local model.
    """

    messages: Messages
    grammar: str
    read: Callable[[str], Change]
    max_tokens: int
    temperature: float = 0.7
    soft: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What came of a request: a network as it would be evaluated, or the last error; ``problems`` are all errors.

    ``code`` is the kind of the error; where it is ``SEEN`` there is a network, but one that is known.
    """

    module: Module | None = None
    change: str = ""
    why: str = ""
    error: str = ""
    code: str = ""
    problems: tuple[str, ...] = ()
    notes: Mapping[str, object] = field(default_factory=dict[str, object])

    def proposal(self, operator: str, parents: tuple[int, ...] = (), **notes: object) -> Proposal:
        """Return the proposal of this network, or of the answer that did not become one."""
        told = {**self.notes, **({"problems": list(self.problems)} if self.problems else {}), **notes}
        over = self.module is None and self.code == LIMIT
        return Proposal(self.module, parents, operator, self.change, self.why, self.error, told, over)


@dataclass(frozen=True)
class Asking:
    """An LLM and the round that it is asked in. ``repeats`` takes networks that are known without another try."""

    drawing: Drawing
    repeats: bool = False

    @property
    def style(self) -> Style:
        """What the LLM can take."""
        return style_of(self.drawing.view.llm.name)

    def ask(self, request: Request, tries: int, shrinks: int = 0) -> Reply:
        """Return the first answer that can be used, of at most ``tries``; LLMErrors end the search.

        With ``shrinks`` so many answers more may be too large for the limits: these do not count as tries. Answers
        are drawn hotter after each that led to a known network; where all did, the last of these is returned.
        """
        talk: tuple[Message, ...] = ()
        problems: list[str] = []
        reply, known, heat = Reply(error="the LLM was not asked"), Reply(), 0.0
        while tries > 0:
            answer = self.answer(request, talk, heat)
            reply = self.judged(request, answer)
            if not reply.code:
                self.drawing.take(reply.module)
                return replace(reply, problems=tuple(problems))
            too_large = shrinks > 0 and reply.code == LIMIT
            shrinks, tries = (shrinks - 1, tries) if too_large else (shrinks, tries - 1)
            problems.append(reply.error or KNOWN)
            known, heat = (reply, heat + _HEAT) if reply.code == SEEN else (known, heat)
            talk = (*talk, *told(answer.text, problems[-1], too_large))
        return replace(known if known.module is not None else reply, problems=tuple(problems))

    def proposal(self, reply: Reply, operator: str, parents: tuple[int, ...] = (), **notes: object) -> Proposal:
        """Return the proposal of a reply; the note ``calls`` has the digests of all prompts sent since the last one."""
        calls, self.drawing.asked = self.drawing.asked, []
        return reply.proposal(operator, parents, **({"calls": calls} if calls else {}), **notes)

    def by_chance(self, reply: Reply, parent: Module | None = None, intent: Intent | None = None) -> Reply:
        """Return a reply whose network is known with a random mutation of that network instead.

        A reply that does not do what was asked for, with a mutation of the ``parent`` that does, if one is found. A
        search would stand still otherwise; the note ``chance`` says so.
        """
        base = {SEEN: reply.module, UNINTENDED: parent}.get(reply.code)
        if base is None:
            return reply
        found = self.drawing.mutated(base, intent=intent)
        if found.module is None:
            return reply
        change = found.change if reply.module is None else f"{reply.change.rstrip()}\n{found.change}"
        notes = {**reply.notes, "chance": True}
        return replace(reply, module=found.module, change=change, error="", code="", notes=notes)

    def judged(self, request: Request, answer: Answer) -> Reply:
        """Return what an answer makes."""
        view, why = self.drawing.view, reason(answer.text)
        notes = {"model": answer.model}
        try:
            change = request.read(answer.text)
            module = view.admit(change.module)
        except NascError as error:
            cut = "" if answer.finished else "\nthe answer was cut off: it was too long"
            code = error.diagnostics[0].code or "error"
            return Reply(None, answer.text, why, f"{error}{cut}", code, (), notes)
        seen = not self.repeats and self.drawing.knows(module)
        return Reply(module, change.text, why, "", SEEN if seen else "", (), notes)

    def edit(
        self,
        module: Module,
        spot: Spot | None,
        messages: Messages,
        tries: int,
        shrinks: int = 0,
        words: tuple[str, ...] = (),
        intent: Intent | None = None,
        changes: int | None = None,
    ) -> Reply:
        """Return what the LLM makes of a network at a spot; where nothing can be changed there, of all of it.

        Where a place leads to networks that are known only, all of the network is open too. With ``words`` only
        changes in whose text one of them stands will do: the grammar is narrowed to them where it has any, and the
        answer of an LLM that no grammar holds is checked. ``intent`` says what of the change that was asked for is
        missing in a network; empty where nothing is. ``changes`` is how many edits there may be, None for as many as
        the LLM can write.
        """
        space, style = self.drawing.view.space, self.style
        try:
            spot, grammar = _editable(space, module, spot, style, changes or style.edits)
        except NascError as error:
            return Reply(error=str(error), problems=(str(error),))
        narrow = about(grammar, words) if words else ""

        def read(text: str) -> Change:
            change = space.apply(module, text, spot)
            missing = "" if not narrow or holds(change.text, words) else f"it has to use {' or '.join(words)}"
            check(change.module, lambda made: missing or (intent(made) if intent else ""))
            return change

        request = Request(messages, narrow or grammar, read, style.max_tokens, style.temperature)
        reply = self.ask(request, tries, shrinks)
        if reply.code == SEEN and spot is not None:
            further = self.edit(module, None, messages, tries, shrinks, words, intent, changes)
            return replace(further, problems=(*reply.problems, *further.problems)) if further.module else reply
        return reply

    def answer(self, request: Request, talk: tuple[Message, ...], heat: float = 0.0) -> Answer:
        """Return the answer to a prompt, which is shortened where it is too long. Raises LLMError."""
        view, length = self.drawing.view, max(self.style.place, _SHORTEST)
        seed = view.rng.getrandbits(31)
        for turn in range(_SHRINKS + 1):
            messages = (*request.messages(length), *talk)
            warmth = request.temperature + heat
            prompt = Prompt(messages, request.grammar, request.max_tokens, warmth, seed, soft=request.soft)
            self.drawing.asked.append(prompt.digest(view.llm.name)[:12])
            try:
                return view.llm.complete(prompt)
            except ContextTooLong:
                if turn == _SHRINKS:
                    raise
                length, talk = max(length // 2, _SHORTEST), talk[-2:] if turn == 0 else ()
            except BadAnswer:
                return Answer("", 0, 0, 0.0, view.llm.name)
        raise AssertionError("a prompt is sent or refused")

    def line(self, messages: Messages, grammar: str, max_tokens: int = 64, temperature: float = 0.3) -> str:
        """Return a short answer that is no network: a choice, a sentence; empty where none can be had."""
        request = Request(messages, grammar, _no_network, max_tokens, temperature)
        return self.answer(request, ()).text.strip()


def _editable(space: Space, module: Module, spot: Spot | None, style: Style, changes: int) -> tuple[Spot | None, str]:
    try:
        return spot, space.grammar(module, spot, changes, style.why)
    except NascError:
        if spot is None:
            raise
        return None, space.grammar(module, None, changes, style.why)


def reason(answer: str) -> str:
    """Return the reason that an answer begins with, empty where it gives none."""
    found = _WHY.match(answer)
    return found[1].strip()[:300] if found else ""


def told(answer: str, problem: str, too_large: bool = False) -> tuple[Message, Message]:
    """Return the turns that hand an answer back with what was wrong with it."""
    name = "space/too_large" if too_large else "space/again"
    return Message("assistant", answer[:1000] or "(nothing)"), Message("user", filled(name, problem=problem[:400]))


def instructions(space: Space, style: Style) -> tuple[Message, ...]:
    """Return what an LLM is told first: how networks of the space are written and changed, with examples of edits."""
    if space.name == "nb201":
        return (Message("system", filled("space/nb201", edits=style.edits)),)
    return (Message("system", filled("space/edits", edits=style.edits)), *examples())


def _no_network(answer: str) -> Change:
    raise NascError.of("no network was asked for", "", "answer")
