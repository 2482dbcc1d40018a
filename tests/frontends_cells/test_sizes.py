"""Networks of other benchmarks have the parameters and MACs that their tables publish."""

import pytest

from nasc.frontends.cells import channel_resnet, nasbench_macro
from nasc.ir import verify
from nasc.passes import cost

PUBLISHED = [
    (nasbench_macro, "02012100", 890_666, 47_327_744),
    (nasbench_macro, "11111221", 2_181_386, 65_012_224),
    (channel_resnet, "4432214", 6_208_394, 794_495_488),
    (channel_resnet, "1241214", 3_768_650, 326_027_776),
]


@pytest.mark.parametrize(("network", "arch", "params", "macs"), PUBLISHED)
def test_sizes_are_those_published(network, arch, params, macs) -> None:
    module = network(arch)
    assert verify(module) == ()
    assert (cost(module).params, cost(module).macs) == (params, macs)
