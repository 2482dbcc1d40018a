"""Studies to report: a small search written down by hand, with everything that can become of a proposal."""

from collections.abc import Mapping, Sequence

from nasc.grammar import parse
from nasc.ir import Module
from nasc.passes import cost
from nasc.search.engine import Trial
from nasc.search.report import Call

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\u2028\u202e\x00\ud800"
ASKED = "0123456789ab"
TEXT = """\
nasc 1

graph @main(%x: f32[N,3,8,8]) -> f32[N,10] {{
  %one = call @block %x {{C={width}}}
  %two = call @block %one {{C={width}}}
  %pool = adaptive_avg_pool2d %two {{output_size=1}}
  %flat = flatten %pool {{start_dim=1}}
  %head = linear %flat {{out_features=10}} #head
  return %head
}}

graph @block<C>(%x: f32[N,D,H,W]) -> f32[N,C,H,W] {{
  %conv = conv2d %x {{out_channels=C, kernel_size={kernel}, padding={padding}}} #conv
  %act = {activation} %conv #act
  return %act
}}
"""


def network(width: int = 8, kernel: int = 3, activation: str = "relu") -> Module:
    """Return a network of two equal blocks."""
    return parse(TEXT.format(width=width, kernel=kernel, padding=kernel // 2, activation=activation))


def done(number: int, module: Module, score: float, parents: Sequence[int] = (), **more: object) -> Trial:
    """Return a trial that was evaluated."""
    size = cost(module)
    metrics = {"params": float(size.params), "macs": float(size.macs), "score": score}
    stated: dict[str, object] = {"operator": "mutation" if parents else "random", "seconds": 1.5, **more}
    return Trial(number, number // 4, "done", module, f"{number:064x}", tuple(parents), metrics=metrics, **stated)  # type: ignore[arg-type]


def small() -> list[Trial]:
    """Return ten trials: a tree of two roots, three improvements, and one proposal of each other status."""
    repeat = done(4, network(), 0.5, (1,))
    error = "<answer>:1:7: error: 'colour' is no attribute of conv2d\n  help: did you mean groups?"
    return [
        done(0, network(), 0.5),
        done(1, network(16), 0.6, (0,), change="in @main:\nset %one C=16", why="wider is better"),
        done(2, network(16, 5), 0.55, (1,)),
        Trial(3, 0, "invalid", None, parents=(1,), operator="llm", change=HOSTILE, why=HOSTILE, error=error),
        Trial(4, 1, "repeat", repeat.module, repeat.digest, (1,), "mutation", metrics=repeat.metrics, repeat_of=0),
        done(5, network(16, activation="gelu"), 0.7, (1,), change="%act relu -> gelu", notes={"calls": [ASKED]}),
        Trial(6, 1, "gated", network(4), "6", (5,), "mutation", error="the signal dies at %act"),
        done(7, network(4), 0.3),
        Trial(8, 2, "invalid", None, operator="llm", error=error.replace(":7:", ":9:")),
        Trial(9, 2, "pending", network(32), "9", (5,), "mutation"),
    ]


CALLS = (
    Call("smol", 0, (("user", f"improve it\n{HOSTILE}"),), "set %one C=16", 100, 20, 2.0),
    Call("smol", 0, (("user", "improve it"),), HOSTILE, 100, 30, 3.0, error="too long", cost=0.5),
    Call("smol", 1, (("user", "improve it"),), "same", 100, 20, 2.0, cached=True, digest=f"{ASKED}cdef"),
)
SETTINGS: Mapping[str, object] = {"method": "nader", "llm": "local", "start": "model.py", "seed": 1, "max_params": None}
