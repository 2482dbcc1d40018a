"""One or more applications of every op: operand types, then the node line. Laws run over all of them."""

from dataclasses import dataclass
from functools import cache

from nasc.grammar import parse_checked
from nasc.ir import Module, Node

LINES = """
f32[2,4,16]: conv1d %a {out_channels=8, kernel_size=3, padding=1}
f32[2,8,16,12]: conv2d %a {out_channels=12, kernel_size=[3, 5], stride=2, padding=[1, 2], bias=false}
f32[2,8,16,12]: conv2d %a {out_channels=16, kernel_size=3, dilation=2, groups=8}
f32[2,4,8,8,8]: conv3d %a {out_channels=4, kernel_size=3, stride=2}
f32[2,4,16]: conv_transpose1d %a {out_channels=6, kernel_size=4, stride=2, padding=1}
f32[2,4,8,9]: conv_transpose2d %a {out_channels=6, kernel_size=3, stride=2, output_padding=1, groups=2}
f32[2,4,3,4,5]: conv_transpose3d %a {out_channels=6, kernel_size=2, stride=2, groups=2}
f32[2,4,8,9]: unfold %a {kernel_size=[2, 3], padding=1, stride=2}
f32[2,24,25]: fold %a {output_size=[8, 9], kernel_size=[2, 3], padding=1, stride=2}
f32[2,7,16]: linear %a {out_features=32, bias=false}
i64[2,7]: embedding %a {num_embeddings=100, embedding_dim=16, padding_idx=0}
f32[2,1,7,16], f32[3,16,5]: matmul %a, %b
f32[16], f32[3,16,5]: matmul %a, %b
f32[2,7,16], f32[2,5,16]: einsum %a, %b {equation="bnd,bmd->bnm"}
f32[2,4,7,16], f32[2,4,5,16], f32[2,4,5,8]: scaled_dot_product_attention %a, %b, %c {scale=0.125}
f32[2,4,7,16], f32[2,2,7,16], f32[2,2,7,8]: scaled_dot_product_attention %a, %b, %c {enable_gqa=true}
f32[2,4,7,8], f32[2,4,5,8], f32[2,4,5,8], f32[7,5]: scaled_dot_product_attention %a, %b, %c, %d
f32[2,8,4,4]: batch_norm %a {eps=0.001, momentum=none}
f32[2,8]: batch_norm %a {affine=false, track_running_stats=false}
f32[2,7,16]: layer_norm %a {normalized_shape=[16], eps=1e-06, bias=false}
f32[2,7,16]: rms_norm %a {normalized_shape=[7, 16]}
f32[2,8,4,4]: group_norm %a {num_groups=4}
f32[2,8,4,4]: normalize %a {p=1.0, dim=-1}
f32[2,8]: relu %a
f32[2,8]: relu6 %a
f32[2,8]: leaky_relu %a {negative_slope=0.2}
f32[2,8,3]: prelu %a {num_parameters=8}
f32[2,8]: elu %a {alpha=0.5}
f32[2,8]: selu %a
f32[2,8]: gelu %a {approximate=tanh}
f32[2,8]: silu %a
f32[2,8]: mish %a
f32[2,8]: hardswish %a
f32[2,8]: hardsigmoid %a
f32[2,8]: hardtanh %a {min_val=-2.0, max_val=2.0}
f32[2,8]: sigmoid %a
f32[2,8]: tanh %a
f32[2,8]: softplus %a {beta=2.0}
f32[2,8]: softmax %a
f32[2,8]: log_softmax %a {dim=0}
f32[2,8,5]: glu %a {dim=1}
f32[2,8]: dropout %a {p=0.1}
f32[2,8,4,4]: feature_dropout %a {p=0.1}
f32[2,8]: identity %a
f32[2,8,16]: max_pool1d %a {kernel_size=3, stride=2, padding=1}
f32[2,8,15,16]: max_pool2d %a {kernel_size=3, stride=2, padding=1, ceil_mode=true}
f32[2,8,15,16]: max_pool2d %a {kernel_size=2, dilation=2}
f32[2,8,16]: avg_pool1d %a {kernel_size=4}
f32[2,8,15,16]: avg_pool2d %a {kernel_size=[3, 2], stride=2, padding=1, count_include_pad=false}
f32[2,8,15,16]: avg_pool2d %a {kernel_size=3, stride=[1, 2], ceil_mode=true, divisor_override=4}
f32[2,8,16]: adaptive_avg_pool1d %a {output_size=1}
f32[2,8,15,16]: adaptive_avg_pool2d %a {output_size=[3, 4]}
f32[2,8,15,16]: adaptive_max_pool2d %a {output_size=2}
f32[2,8,6,5]: interpolate %a {size=[12, 10], mode=bilinear, align_corners=false}
f32[2,8,6,5]: interpolate %a {size=[12, 10], mode="nearest-exact"}
f32[2,8,6,5]: pixel_shuffle %a {upscale_factor=2}
f32[2,8,6,4]: pixel_unshuffle %a {downscale_factor=2}
f32[2,4,6,7,8]: max_pool3d %a {kernel_size=3, stride=2, padding=1}
f32[2,4,6,7,8]: avg_pool3d %a {kernel_size=2, count_include_pad=false}
f32[2,4,6,7,8]: adaptive_avg_pool3d %a {output_size=[1, 2, 3]}
f32[2,8,16]: adaptive_max_pool1d %a {output_size=3}
f32[2,4,6,7,8]: adaptive_max_pool3d %a {output_size=2}
f32[2,8,15,16]: max_pool2d_with_indices %a {kernel_size=3, stride=2, padding=1}
f32[2,8,15,16]: adaptive_max_pool2d_with_indices %a {output_size=[2, 3]}
f32[2,4,6,5], f32[2,3,7,2]: grid_sample %a, %b {mode=nearest, padding_mode=border}
f32[5,2,4]: lstm %a {hidden_size=3, num_layers=2, bidirectional=true}
f32[3,5,4], f32[1,3,2], f32[1,3,3]: lstm %a, %b, %c {hidden_size=3, bias=false, batch_first=true, proj_size=2}
f32[2,5,4]: gru %a {hidden_size=3, num_layers=2, batch_first=true}
f32[5,3,4], f32[4,3,3]: gru %a, %b {hidden_size=3, num_layers=2, bidirectional=true}
f32[5,2,4]: rnn %a {hidden_size=3, nonlinearity=relu}
f32[2,8,1], f32[8,5]: add %a, %b
f32[2,8]: add %a {other=1}
i64[2,8]: add %a {other=0.5}
i64[2,8], f32[8]: add %a, %b
f32[2,8], f32[8]: sub %a, %b
f32[2,8]: rsub %a {other=1}
f32[2,8], f32[8]: mul %a, %b
i64[2,8]: mul %a {other=2}
f32[2,8], f32[8]: div %a, %b
i64[2,8]: div %a {other=2}
i64[2,8]: floor_divide %a {other=2}
i64[2,8]: remainder %a {other=3}
f32[2,8]: pow %a {other=2}
i64[2,8]: pow %a {other=2.0}
f32[2,8], f32[8]: maximum %a, %b
f32[2,8], f32[8]: minimum %a, %b
f32[2,8], f32[8]: eq %a, %b
f32[2,8]: ne %a {other=0}
f32[2,8]: lt %a {other=0.5}
f32[2,8], f32[8]: le %a, %b
f32[2,8], f32[2,8]: gt %a, %b
i64[2,8]: ge %a {other=3}
bool[2,8], bool[8]: logical_and %a, %b
bool[2,8], bool[8]: logical_or %a, %b
bool[2,8]: logical_not %a
bool[2,1], f32[2,8], f32[8]: where %a, %b, %c
f32[2,4,8], bool[2,1,8]: masked_fill %a, %b {value=-inf}
f32[2,8]: clamp %a {min=0, max=6}
f32[2,8]: clamp %a {max=4.5}
f32[2,8]: cast %a {dtype=bf16}
f32[2,8]: neg %a
f32[2,8]: abs %a
f32[2,8]: exp %a
i64[2,8]: exp %a
f32[2,8]: log %a
f32[2,8]: sqrt %a
f32[2,8]: rsqrt %a
f32[2,8]: reciprocal %a
f32[2,8]: erf %a
f32[2,8]: sin %a
f32[2,8]: cos %a
f32[2,8]: tan %a
f32[2,8]: atan %a
f32[2,8]: ceil %a
f32[2,8]: round %a
f32[2,8]: sign %a
f32[2,8]: floor %a
i64[2,8]: floor %a
f32[2,8]: log1p %a
f32[2,8]: expm1 %a
f32[2,8,4,4]: mean %a {dim=[2, 3], keepdim=true}
f32[2,8,4,4]: mean %a
f32[2,8]: sum %a {dim=[-1]}
bool[2,8]: sum %a {dim=[1]}
f32[2,8]: prod %a {dim=[1], keepdim=true}
f32[2,8]: amax %a {dim=[1]}
f32[2,8]: amin %a {dim=[0, 1], keepdim=true}
f32[2,8]: var %a {dim=[1], correction=0.0}
f32[2,8]: std %a {dim=[1]}
f32[2,8]: vector_norm %a {ord=inf, dim=[1]}
f32[2,8]: argmax %a {dim=1}
i64[2,8]: cumsum %a {dim=1}
f32[2,8,4,4]: reshape %a {shape=[2, -1]}
f32[2,8,4,4]: flatten %a {start_dim=1}
f32[2,12,4]: unflatten %a {dim=1, sizes=[3, -1]}
f32[2,8,4]: permute %a {dims=[0, 2, 1]}
f32[2,8,4]: transpose %a {dim0=-1, dim1=-2}
f32[2,1,4,1]: squeeze %a {dim=[1]}
f32[2,1,4,1]: squeeze %a
f32[2,4]: unsqueeze %a {dim=-1}
f32[1,4]: expand %a {shape=[3, 2, -1]}
f32[2,4]: repeat %a {repeats=[3, 1, 2]}
f32[2,4,3], f32[2,8,3]: cat %a, %b {dim=1}
f32[2,4], f32[2,4]: stack %a, %b {dim=-1}
f32[2,8]: split %a {sizes=[2, 6], dim=1}
f32[2,3,4]: unbind %a {dim=1}
f32[2,3,4]: select %a {dim=1, index=-1}
f32[2,9,4]: slice %a {dim=1, start=1, end=-1, step=2}
f32[2,9,4]: slice %a {dim=1, start=-4}
f32[2,3,8,8]: pad %a {pad=[1, 2, 0, 3]}
f32[2,3,8,8]: pad %a {pad=[1, 2, 3, 3], mode=reflect}
f32[2,3,8,8]: pad %a {pad=[-1, -1], value=1.0}
f32[2,8,8,3]: roll %a {shifts=[-3, -3], dims=[1, 2]}
f32[2,8]: flip %a {dims=[1]}
f32[49,3], i64[4,4]: index %a, %b
f32[2,8]: topk %a {k=3, largest=false}
f32[2,8,3]: sort %a {dim=1, descending=true}
f32[2,8,3], i64[2,5,3]: gather %a, %b {dim=1}
f32[2,8,3], i64[2,5,3], f32[2,5,3]: scatter %a, %b, %c {dim=1, reduce=add}
f32[2,5,5]: tril %a
f32[2,5,5]: triu %a {diagonal=1}
: parameter {key="cls_token", shape=[1, 1, 16]}
: constant {key="bias_index", shape=[4, 4], dtype=i64, persistent=false}
: parameter {key="head.weight", shape=[5, 4], tied="embed.weight"}
: constant {key="second.mean", shape=[4], tied="first.mean"}
: full {shape=[2, 3], value=0, dtype=i64}
: full {shape=[], value=-inf}
: arange {start=1, end=9, step=3}
: arange {end=5, dtype=f32}
"""
# How many results those ops have that have several.
RESULTS = {
    "adaptive_max_pool2d_with_indices": 2,
    "gru": 2,
    "lstm": 3,
    "max_pool2d_with_indices": 2,
    "rnn": 2,
    "sort": 2,
    "split": 2,
    "topk": 2,
    "unbind": 3,
}


@dataclass(frozen=True)
class Sample:
    """One application of an op; ``text`` is the node line without results."""

    text: str
    module: Module

    @property
    def node(self) -> Node:
        return self.module.main.nodes[0]

    def __str__(self) -> str:
        return self.text


def _module(types: str, line: str) -> Module:
    inputs = [f"%{'abcd'[i]}: {t}" for i, t in enumerate(t for t in types.split(", ") if t)]
    count = RESULTS.get(line.split()[0], 1)
    results = ", ".join(f"%r{i}" for i in range(count))
    return parse_checked(
        f"nasc 1\n\ngraph @main({', '.join(inputs)}) {{\n  {results} = {line}\n  return {results}\n}}\n"
    )


@cache
def samples() -> tuple[Sample, ...]:
    """Return all samples, typed."""
    rows = [line.partition(": ") for line in LINES.strip().splitlines()]
    return tuple(Sample(line, _module(types, line)) for types, _, line in rows)
