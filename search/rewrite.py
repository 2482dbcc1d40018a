"""Rewriting a model until it scores better: Algorithm 3 of the thesis, over the IR.

Each round starts from the best network so far: it is annotated with relevance, the place with the largest
potential is shown to the LLM, its answer is parsed, applied, repaired, checked and scored. A better network
becomes the best; where none comes the next round asks about the next place. An answer that cannot be used is
handed back with the error, ``tries`` times at most. The loop ends at the threshold or after
``max_iterations`` and returns the best.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..ir import Module, NascError, digest
from ..passes import show_count
from .description import describe, percent
from .edit_grammar import kinds_of
from .edit_script import parse_script
from .focus import Place, places
from .judging import Judge, Scorer, annotated, prepared
from .limits import Limits, Size, limits_of
from .llm import Answer, BadAnswer, Client, ContextTooLong, LLMError, Message, Prompt
from .outcome import RewriteOptions, RewriteResult, Step, one_line
from .questions import Question, Style, feedback, smaller, style_of

_SHRINKS = 3
LEAST_GAIN = 1e-4
"""A score must rise by more to count as better: scores are shown to four places."""


def rewrite(
    module: Module,
    predictor: Scorer,
    client: Client | None = None,
    options: RewriteOptions | None = None,
    on_event: Callable[[str], None] | None = None,
) -> RewriteResult:
    """Return the best network found by rewriting a module, and how it was found.

    Without ``client`` edits are drawn at random from the same grammar. ``on_event`` hears of every step in
    words. The same module, options and answers give the same result. Ctrl-C and LLMErrors end the search and
    keep the best so far: the result says which. Raises NascError where the module or the limits are wrong.
    """
    if client is None:
        from .llm import open_client

        client = open_client("random")
    run = _Run(module, predictor, client, options or RewriteOptions(), on_event or _nobody)
    try:
        run.prepare()
        run.stopped = run.loop()
    except KeyboardInterrupt:
        run.stopped = "interrupted"
    except LLMError as error:
        run.stopped, run.error = "llm", error
    return run.result()


def _nobody(_: str) -> None:
    """Hear nothing."""


@dataclass
class _Run:
    """A rewrite in progress."""

    module: Module
    scorer: Scorer
    client: Client
    options: RewriteOptions
    tell: Callable[[str], None]
    baseline: float = math.nan
    score: float = math.nan
    threshold: float = math.nan
    stopped: str = ""
    before: Size | None = None
    after: Size | None = None
    error: LLMError | None = None
    steps: list[Step] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    places: tuple[Place, ...] = ()
    failures: int = 0

    def __post_init__(self) -> None:
        self.start = self.best = self.module
        self.style: Style = style_of(self.client.name)

    def prepare(self) -> None:
        """Bring the model into the form that is edited, and score it."""
        self.start = self.best = prepared(self.module)
        self.before = self.after = Limits().check(self.start)
        limits = limits_of(self.options.max_params, self.options.max_macs, self.before)
        kinds = kinds_of(self.start) if self.options.keep_ops else None
        self.judge = Judge(self.scorer, self.start, limits, kinds)
        self.baseline = self.score = self.judge.score(self.start)
        wanted = self.options.threshold
        self.threshold = self.scorer.threshold(self.baseline) if wanted is None else wanted
        self.seen.add(digest(self.start))
        self.tell(f"predicted score {self.baseline:.4f}, to reach {self.threshold:.4f}")

    def loop(self) -> str:
        """Run rounds until there is a reason to stop; return it."""
        if self.score >= self.threshold:
            return "threshold"
        self.look()
        for iteration in range(1, self.options.max_iterations + 1):
            question, grammar = self.question()
            if question is None:
                return "nothing to edit"
            if self.round(iteration, question, grammar):
                if self.score >= self.threshold:
                    return "threshold"
                self.look()
            else:
                self.failures += 1
        return "iterations"

    def look(self) -> None:
        """Annotate the best network and order the places to edit."""
        self.best = annotated(self.best, self.scorer)
        self.places, self.failures = places(self.best), 0
        self.tried.clear()

    def question(self) -> tuple[Question | None, str]:
        """Return the question about the next place that can be edited, and the grammar of its answers."""
        for turn in range(len(self.places)):
            place = self.places[(self.failures + turn) % len(self.places)]
            question = Question(
                self.best,
                place,
                self.score,
                self.threshold,
                self.options.keep_ops,
                self.room(),
                tuple(self.tried),
            )
            try:
                return question, question.grammar(self.style)
            except NascError as error:
                if error.diagnostics[0].code != "edit-none":
                    raise
        return None, ""

    def room(self) -> str:
        """Return what limits the size of the network, in words."""
        limits, parts = self.judge.limits, list[str]()
        if self.options.max_params is not None:
            parts.append(f"at most {show_count(limits.params)} parameters")
        if self.options.max_macs is not None:
            parts.append(f"at most {show_count(limits.macs)} multiply-accumulates")
        return f"Keep it to {' and '.join(parts)}." if parts else ""

    def round(self, iteration: int, question: Question, grammar: str) -> bool:
        """Ask until an answer can be used; return whether it made the network better."""
        talk: tuple[Message, ...] = ()
        for attempt in range(1, self.options.tries + 1):
            seed = (self.options.seed * 1_000 + iteration) * 100 + attempt
            answer, prompt = self.ask(question, grammar, seed, talk)
            notes = {
                "model": answer.model or self.client.name,
                "prompt": prompt.digest(self.client.name)[:12],
            }
            blank = Step(iteration, attempt, question.place.graph, answer.text, notes["model"], self.score)
            step, module = self.judged(blank, answer, notes)
            self.steps.append(step)
            self.tell(f"round {iteration}/{self.options.max_iterations}: {step.summary}")
            if module is not None:
                return self.took(step, module)
            talk = (*talk, *feedback(answer.text, step.error, question.place))
        return False

    def ask(self, question: Question, grammar: str, seed: int, talk: tuple[Message, ...]) -> tuple[Answer, Prompt]:
        """Return the answer to a question and its prompt, shortened where it is too long. Raises LLMError."""
        style = self.style
        for _ in range(_SHRINKS):
            prompt = question.prompt(style, grammar, seed, talk)
            try:
                return self.client.complete(prompt), prompt
            except ContextTooLong:
                style = smaller(style)
                talk = talk[-2:]
            except BadAnswer:
                return Answer("", 0, 0, 0.0, self.client.name), prompt
        prompt = question.prompt(style, grammar, seed)
        return self.client.complete(prompt), prompt

    def judged(self, step: Step, answer: Answer, notes: dict[str, str]) -> tuple[Step, Module | None]:
        """Return the step with what became of an answer, and the network that came out of it."""
        try:
            script = parse_script(answer.text, step.graph)
            described = "; ".join(describe(edit, self.best) for edit in script.edits)
            step = replace(step, edits=script.edits, explanation=one_line(script.why), description=described)
            module, size = self.judge.candidate(self.best, script.edits, notes)
            mark = self.new(module)
        except NascError as error:
            cut = "" if answer.finished else "\nthe answer was cut off: it was too long"
            return replace(step, error=f"{error}{cut}"), None
        self.seen.add(mark)
        score = self.judge.score(module)
        return replace(step, score=score, size=size, network=module, accepted=score > self.score + LEAST_GAIN), module

    def new(self, module: Module) -> str:
        """Return the digest of a network that has not been judged. Raises NascError where it has."""
        mark = digest(module)
        if mark == digest(self.best):
            raise NascError.of("once repaired, the network is what it was", "make an edit that fits", "edit-idle")
        if mark in self.seen:
            raise NascError.of("this network was tried before", "make other edits", "edit-seen")
        return mark

    def took(self, step: Step, module: Module) -> bool:
        """Keep a network that is better; return whether it is."""
        assert step.score is not None
        if not step.accepted:
            self.tried.append(f"{step.description} ({step.score - self.score:+.4f})")
            return False
        before = self.after or self.before
        self.best, self.score, self.after = module, step.score, step.size
        if before and self.after:
            self.tell(f"  parameters {percent(before.params, self.after.params)}, score {self.score:.4f}")
        return True

    def result(self) -> RewriteResult:
        """Return what there is."""
        return RewriteResult(
            self.best,
            self.start,
            self.baseline,
            self.score,
            self.threshold,
            tuple(self.steps),
            self.stopped,
            self.before,
            self.after,
            self.error,
        )
