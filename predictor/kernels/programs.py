"""The Triton programs of one layer of message passing: forward, and two for the gradient; and of its sums alone.

A program handles ``ROWS`` rows. Neighbours are gathered through compressed sparse rows straight into registers, so
no message is ever written to memory; the sums, the maps and the hidden layer of one block of rows never leave the
chip either. Products accumulate in float32 whatever the type of the states; those of float32 use three passes of
tensor cores (``tf32x3``), which keeps their precision.

``WIDE`` is for Triton's interpreter, which cannot multiply bfloat16: factors, rounded all the same, are widened.
"""

# ruff: noqa: N803 - constants of a program are written in capitals, as everywhere in Triton
# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call"
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false, reportUntypedFunctionDecorator=false
# pyright: reportUnknownVariableType=false, reportArgumentType=false, reportUnusedFunction=false
from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def lanes(count, width, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    """Return the rows of this program and which of them exist, the columns of a state and which of them exist."""
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    columns = tl.arange(0, WIDTH)
    return rows, rows < count, columns, columns < width


@triton.jit
def gathered(x, start, index, rows, live, columns, inside, stride):
    """Return the sums [ROWS, columns] of what the rows read of x, whose rows are ``stride`` apart, in float32."""
    first = tl.load(start + rows, mask=live, other=0)
    last = tl.load(start + rows + 1, mask=live, other=0)
    total = tl.zeros((rows.shape[0], columns.shape[0]), tl.float32)
    for step in range(0, tl.max(last - first)):
        some = first + step < last
        who = tl.load(index + first + step, mask=some, other=0)
        block = x + who[:, None] * stride + columns[None, :]
        total += tl.load(block, mask=some[:, None] & inside[None, :], other=0.0).to(tl.float32)
    return total


@triton.jit
def continued(x, start, index, eps, rows, live, columns, inside, width):
    """Return 1 + eps times the states that the rows continue, in float32."""
    return (1.0 + tl.load(eps).to(tl.float32)) * gathered(x, start, index, rows, live, columns, inside, width)


@triton.jit
def product(a, b, WIDE: tl.constexpr):
    """Return a @ b in float32."""
    if WIDE:
        a, b = a.to(tl.float32), b.to(tl.float32)
    return tl.dot(a, b, input_precision="tf32x3")


@triton.jit
def normal(h, columns, inside, weight, bias, eps, width):
    """Return layer normalisation of states [ROWS, columns] in float32."""
    mean = tl.sum(h, axis=1) / width
    apart = tl.where(inside[None, :], h - mean[:, None], 0.0)
    scale = tl.rsqrt(tl.sum(apart * apart, axis=1) / width + eps)
    weight = tl.load(weight + columns, mask=inside, other=0.0).to(tl.float32)
    bias = tl.load(bias + columns, mask=inside, other=0.0).to(tl.float32)
    return apart * scale[:, None] * weight[None, :] + bias[None, :]


@triton.jit
def hidden_layer(
    x, first, first_bias, second, second_bias, columns, inside, width, hidden, CHUNK: tl.constexpr, WIDE: tl.constexpr
):
    """Return ``second relu(first x + first_bias) + second_bias`` [rows, columns] in float32, of x on the chip."""
    result = tl.zeros((x.shape[0], columns.shape[0]), tl.float32)
    result += tl.load(second_bias + columns, mask=inside, other=0.0).to(tl.float32)[None, :]
    for k in range(0, hidden, CHUNK):
        part = k + tl.arange(0, CHUNK)
        some = part < hidden
        tile = first + part[None, :] * width + columns[:, None]
        weight = tl.load(tile, mask=inside[:, None] & some[None, :], other=0.0)
        middle = product(x, weight, WIDE)
        middle += tl.load(first_bias + part, mask=some, other=0.0).to(tl.float32)[None, :]
        tile = second + columns[None, :] * hidden + part[:, None]
        weight = tl.load(tile, mask=some[:, None] & inside[None, :], other=0.0)
        result += product(tl.maximum(middle, 0.0).to(x.dtype), weight, WIDE)
    return result


@triton.jit
def layer_forward(
    x, h, out, kept_out, own_start, own, source_start, source, reader_start, reader,
    eps, ways, first, first_bias, second, second_bias, norm_weight, norm_bias, norm_eps, count, width, hidden,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, CHUNK: tl.constexpr, WIDE: tl.constexpr,
    KEEP: tl.constexpr, ADD: tl.constexpr, NORMAL: tl.constexpr,
):  # fmt: skip
    """New states of ROWS rows.

    KEEP stores what the gradient needs, the input of the hidden layer; ADD adds the states of h that the rows
    continue; NORMAL stores the result normalised, for the next layer. KEEP and NORMAL share a tensor: one at a time.
    """
    rows, live, columns, inside = lanes(count, width, ROWS, WIDTH)
    total = continued(x, own_start, own, eps, rows, live, columns, inside, width)
    for k in range(0, width, CHUNK):
        part = k + tl.arange(0, CHUNK)
        some = part < width
        tile = ways + columns[None, :] * width + part[:, None]
        both = some[:, None] & inside[None, :]
        ahead = gathered(x, source_start, source, rows, live, part, some, width)
        weight = tl.load(tile, mask=both, other=0.0)
        total += product(ahead.to(weight.dtype), weight, WIDE)
        back = gathered(x, reader_start, reader, rows, live, part, some, width)
        weight = tl.load(tile + width * width, mask=both, other=0.0)
        total += product(back.to(weight.dtype), weight, WIDE)
    place = rows[:, None] * width + columns[None, :]
    mask = live[:, None] & inside[None, :]
    kept = total.to(out.dtype.element_ty)
    if KEEP:
        tl.store(kept_out + place, kept, mask=mask)
    result = hidden_layer(kept, first, first_bias, second, second_bias, columns, inside, width, hidden, CHUNK, WIDE)
    if ADD:
        result += gathered(h, own_start, own, rows, live, columns, inside, width)
    tl.store(out + place, result.to(out.dtype.element_ty), mask=mask)
    if NORMAL:
        result = normal(result, columns, inside, norm_weight, norm_bias, norm_eps, width)
        tl.store(kept_out + place, result.to(out.dtype.element_ty), mask=mask)


@triton.jit
def hidden_backward(
    total, gradient, first, first_bias, second, middle_out, middle_gradient, total_gradient, count, width, hidden,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, CHUNK: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    """From the gradient of the new states to that of the hidden layer and of its input; makes the hidden layer anew."""
    rows, live, columns, inside = lanes(count, width, ROWS, WIDTH)
    place = rows[:, None] * width + columns[None, :]
    mask = live[:, None] & inside[None, :]
    kept = tl.load(total + place, mask=mask, other=0.0)
    above = tl.load(gradient + place, mask=mask, other=0.0)
    result = tl.zeros((ROWS, WIDTH), tl.float32)
    for k in range(0, hidden, CHUNK):
        part = k + tl.arange(0, CHUNK)
        some = part < hidden
        tile = part[:, None] * width + columns[None, :]
        weight = tl.load(first + tile, mask=some[:, None] & inside[None, :], other=0.0)
        middle = product(kept, tl.trans(weight), WIDE)
        middle += tl.load(first_bias + part, mask=some, other=0.0).to(tl.float32)[None, :]
        other = tl.load(
            second + columns[:, None] * hidden + part[None, :], mask=inside[:, None] & some[None, :], other=0.0
        )
        slope = tl.where(middle > 0, product(above, other, WIDE), 0.0).to(kept.dtype)
        here = rows[:, None] * hidden + part[None, :]
        both = live[:, None] & some[None, :]
        tl.store(middle_out + here, tl.maximum(middle, 0.0).to(kept.dtype), mask=both)
        tl.store(middle_gradient + here, slope, mask=both)
        result += product(slope, weight, WIDE)
    tl.store(total_gradient + place, result.to(kept.dtype), mask=mask)


@triton.jit
def states_backward(
    gradient, out, ahead_out, back_out, own_start, own, source_start, source, reader_start, reader,
    eps, ways, count, width, ROWS: tl.constexpr, WIDTH: tl.constexpr, CHUNK: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    """The gradient of the states read, through the transposed relations; and its sums before the maps."""
    rows, live, columns, inside = lanes(count, width, ROWS, WIDTH)
    result = continued(gradient, own_start, own, eps, rows, live, columns, inside, width)
    for k in range(0, width, CHUNK):
        part = k + tl.arange(0, CHUNK)
        some = part < width
        tile = ways + part[:, None] * width + columns[None, :]
        both = some[:, None] & inside[None, :]
        here = rows[:, None] * width + part[None, :]
        mask = live[:, None] & some[None, :]
        weight = tl.load(tile, mask=both, other=0.0)
        ahead = gathered(gradient, source_start, source, rows, live, part, some, width).to(weight.dtype)
        tl.store(ahead_out + here, ahead, mask=mask)
        result += product(ahead, weight, WIDE)
        weight = tl.load(tile + width * width, mask=both, other=0.0)
        back = gathered(gradient, reader_start, reader, rows, live, part, some, width).to(weight.dtype)
        tl.store(back_out + here, back, mask=mask)
        result += product(back, weight, WIDE)
    place = rows[:, None] * width + columns[None, :]
    tl.store(out + place, result.to(out.dtype.element_ty), mask=live[:, None] & inside[None, :])


@triton.jit
def received_forward(
    x, sent, out, own_start, own, source_start, source, reader_start, reader, eps, count, width,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """What rows receive: 1 + eps times the x they continue, and their sources' and readers' half of ``sent`` [2 d]."""
    rows, live, columns, inside = lanes(count, width, ROWS, WIDTH)
    columns += tl.program_id(1) * WIDTH
    inside = columns < width
    total = continued(x, own_start, own, eps, rows, live, columns, inside, width)
    total += gathered(sent, source_start, source, rows, live, columns, inside, 2 * width)
    total += gathered(sent + width, reader_start, reader, rows, live, columns, inside, 2 * width)
    place = rows[:, None] * width + columns[None, :]
    tl.store(out + place, total.to(out.dtype.element_ty), mask=live[:, None] & inside[None, :])


@triton.jit
def received_backward(
    gradient, out, sent_out, own_start, own, source_start, source, reader_start, reader, eps, count, width,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """The gradients of x and of ``sent``, through the transposed relations."""
    rows, live, columns, inside = lanes(count, width, ROWS, WIDTH)
    columns += tl.program_id(1) * WIDTH
    inside = columns < width
    mask = live[:, None] & inside[None, :]
    place = rows[:, None] * width + columns[None, :]
    total = continued(gradient, own_start, own, eps, rows, live, columns, inside, width)
    tl.store(out + place, total.to(out.dtype.element_ty), mask=mask)
    place = 2 * rows[:, None] * width + columns[None, :]
    total = gathered(gradient, source_start, source, rows, live, columns, inside, width)
    tl.store(sent_out + place, total.to(out.dtype.element_ty), mask=mask)
    total = gathered(gradient, reader_start, reader, rows, live, columns, inside, width)
    tl.store(sent_out + width + place, total.to(out.dtype.element_ty), mask=mask)
