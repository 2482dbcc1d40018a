"""Every diagnostic of the NADER reader: docs/nader.md lists them, and is held to the code here."""

import os
import re
from pathlib import Path

import pytest

from nasc.grammar import parse_nader
from nasc.ir import NascError

DOCUMENT = Path(__file__).parents[2] / "docs/nader.md"
MARK = "evaluates sizes as code.\n\n"
# Title: lines of a base block, or of a whole text where it starts with ##, with semicolons between.
WRONG = {
    "an unknown attribute": "2:Conv2d(out_channels=C,kernel_size=3,group=C); 0->2; 2->1",
    "groups that do not divide the channels": "2:Conv2d(C*4,1); 3:Conv2d(C,3,groups=3); 0->2; 2->3; 3->1",
    "groups that divide some channels only": "2:Conv2d(C/4,1); "
    "3:Conv2d(C/4,3,groups=32); 4:Conv2d(C,1); 0->2; 2->3; 3->4; 4->1",
    "softmax without an axis": "2:softmax; 0->2; 2->1",
    "softmax over a missing axis": "2:softmax(dim=4); 0->2; 2->1",
    "batch norm over channels-last": "2:permute(0,2,3,1); 3:BN; 4:permute(0,3,1,2); 0->2; 2->3; 3->4; 4->1",
    "layer norm over channels-first": "2:LN; 0->2; 2->1",
    "a linear layer over positions": "2:reshape(B,C,H*W); 3:Linear(C); 4:reshape(B,C,H,W); 0->2; 2->3; 3->4; 4->1",
    "a layer made for one size of input": "2:Conv2d(H,3); 3:Conv2d(C,W); 0->2; 2->3; 3->1",
    "a hard-coded number of channels": "2:Conv2d(64,3); 3:Add; 0->2; 2,0->3; 3->1",
    "a hard-coded shape": "2:AdaptiveAvgPool2d(1); "
    "3:reshape(B,64); 4:Linear(C); 5:reshape(B,C,1,1); 6:Mul; 0->2; 2->3; "
    "3->4; 4->5; 5,0->6; 6->1",
    "hard-coded positions": "2:reshape(B,C,1024); 3:reshape(B,C,H,W); 0->2; 2->3; 3->1",
    "channels in two halves, of any number": "2:reshape(B,2,C/2,H,W); 3:reshape(B,C,H,W); 0->2; 2->3; 3->1",
    "an unused node": "2:Conv2d(C,3); 3:BN; 4:ReLU; 0->2; 2->3; 0->4; 4->1",
    "a second output": "2:ReLU; 3:output; 0->2; 2->1; 2->3",
    "a second input": "2:input; 3:Add; 0->3; 2->3; 3->1",
    "an output of two values": "2:ReLU; 0->2; 2,0->1",
    "a node after the output": "2:ReLU; 0->1; 1->2",
    "a loop": "2:Add; 3:ReLU; 0->2; 3->2; 2->3; 3->1",
    "an edge from nowhere": "2:ReLU; 0->2; 2->3; 2->1",
    "an index used twice": "2:ReLU; 2:GELU; 0->2; 2->1",
    "an undefined operation": "2:ROIAlign; 0->2; 2->1",
    "too few operands": "2:Add; 0->2; 2->1",
    "too many operands": "2:ReLU; 3:BN; 0->2; 2,0->3; 3->1",
    "matrices in the wrong order": "2:reshape(B,C,H*W); "
    "3:Conv2d(C*2,1); 4:reshape(B,H*W,C*2); 5:Multiply; 6:mean(dim=1); "
    "7:reshape(B,1,1,C); 8:permute(0,3,1,2); 9:Mul; 0->2; 0->3; 3->4; 4,2->5; 5->6; 6->7; 7->8; "
    "8,0->9; 9->1",
    "shapes that do not broadcast": "2:AvgPool2d(2,2); 3:Mul; 0->2; 2,0->3; 3->1",
    "parts that do not fit together": "2:permute(0,1,3,2); 3:concat(dim=1); 4:Conv2d(C,1); 0->2; 2,0->3; 3->4; 4->1",
    "a stride over a single position": "2:AdaptiveAvgPool2d(1); 3:Conv2d(C,1,2); 4:Mul; 0->2; 2->3; 3,0->4; 4->1",
    "a permutation of too few axes": "2:permute(0,2,3); 0->2; 2->1",
    "a missing attribute": "2:Conv2d(kernel_size=3); 3:MaxPool2d(3); 0->2; 2->3; 3->1",
    "attributes that cannot be": "2:Conv2d(C,0); 3:Conv2d(C,(3,3,3)); 4:BN(C); 5:mean(C); 0->2; 2->3; 3->4; 4->5; 5->1",
    "one attribute twice": "2:Conv2d(C,3,out_channels=C); 3:Conv2d(out_channels=C,3); 0->2; 2->3; 3->1",
    "an unknown variable, and a division by zero": "2:Conv2d(K,3); 3:Conv2d(C/0,3); 0->2; 2->3; 3->1",
    "a base block that changes the channels": "2:Conv2d(C*2,3); 0->2; 2->1",
    "a downsampling block that does not halve": "##a_downsample##; 0:input; 1:output; 2:Conv2d(dim,3); 0->2; 2->1",
    "a stem that does not make dim channels": "##a_stem##; 0:input; 1:output; 2:Conv2d(C*2,4,4); 0->2; 2->1",
    "lines that say nothing": "2 ReLU; 3:ReLU(; 0->3->1; 0->3,1; 0->3>; here is your block:",
    "code in a size": "2:Conv2d(__import__('os').getpid(),3); 0->2; 2->1",
    "no input, no output": "##a##; 2:ReLU",
    "lines before the first block": "0:input; ##a##; 0:input; 1:output; 0->1",
    "a skeleton that does not fit": "##a##; "
    "0:input; 1:output; 0->1; ##skeleton##; widths=(16,0); depth=(1,1); classes=10",
    "a skeleton without its blocks": "##a##; "
    "0:input; 1:output; 0->1; ##skeleton##; widths=(16,32); depths=(1,1); classes=10",
    "two stems": "##a_stem##; 0:input; 1:output; 2:Conv2d(dim,1); 0->2; 2->1; ##b_stem##; 0:input; 1:output; "
    "2:Conv2d(dim,1); 0->2; 2->1",
}
# What is right here and not in the published checker.
RIGHT = {
    "`x + x`": "2:Add; 0,0->2; 2->1",
    "`x + x`, in two edges": "2:Add; 0->2; 0->2; 2->1",
    "`output_size` of two numbers": "2:AdaptiveAvgPool2d(output_size=(1,1)); 3:Mul; 0->2; 2,0->3; 3->1",
    "arguments by position": "2:Conv2d(C,3,1,2,C); 0->2; 2->1",
    "a maximum over two axes": "2:max(dim=(2,3)); 3:Mul; 0->2; 2,0->3; 3->1",
    "operands in the order of their edges, also where both orders fit": "2:permute(0,1,3,2); "
    "3:Multiply; 4:Multiply; 0->2; 0,2->3; 3,0->4; 4->1",
    "sizes that are known by C, H and W alone": "2:reshape(B,-1,C); 3:reshape(B,C,H,W); 0->2; 2->3; 3->1",
    "a first size of `reshape` other than the batch": "2:reshape(B*C,1,H,W); 3:reshape(B,C,H,W); 0->2; 2->3; 3->1",
    "kernels of any size after any other": "2:Conv2d(C,2); "
    "3:Conv2d(C,(4,1),dilation=(3,1)); 4:Add; 0->2; 2->3; 3,0->4; 4->1",
    "a comment behind an edge, an empty line, `//`": "2:Conv2d(C//2*2,1) # round; "
    "; 3:Conv2d(C,1); 0->2   # in; 2->3; 3->1",
}


def block(lines: str) -> str:
    text = "\n".join(lines.split("; "))
    return text if "##" in text else f"##block##\n0:input\n1:output\n{text}\n"


def told(lines: str) -> str:
    with pytest.raises(NascError) as caught:
        parse_nader(block(lines), "block.txt")
    return caught.value.render()


def listed() -> str:
    """Return the list as it must stand at the end of the document."""
    wrong = [f"### {title.capitalize()}\n\n```\n{told(lines)}\n```\n" for title, lines in WRONG.items()]
    rows = [f"- {title}: {'; '.join(f'`{row}`' for row in lines.split('; ') if row)}" for title, lines in RIGHT.items()]
    about = "Taken as it is written; the published checker refuses or misreads some of it."
    return "\n".join([*wrong, "## Right here", "", about, "", *rows, ""])


def test_the_document_lists_every_case_with_its_diagnostic() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    head, mark, _ = text.partition(MARK)
    now = f"{head}{MARK}{listed()}"
    if os.environ.get("NASC_UPDATE_GOLDEN"):
        DOCUMENT.write_text(now, encoding="utf-8")
        return
    assert mark
    assert text == now


@pytest.mark.parametrize("title", WRONG)
def test_every_finding_has_a_place(title: str) -> None:
    for row in told(WRONG[title]).split("\n"):
        assert "error:" not in row or re.match(r"block\.txt:\d+:\d+: error: .", row), row


@pytest.mark.parametrize("title", RIGHT)
def test_what_is_right_is_taken(title: str) -> None:
    module = parse_nader(block(RIGHT[title]))
    assert str(module.main.output_types[0]) == "f32[N,C,H,W]"
