"""What a model does in training: dropout that its own code switches is kept, what is lost is told with its line."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nasc.equivalence import Options, verify
from nasc.frontends import lower
from nasc.frontends.pytorch.modes import mode_read_as

X = torch.zeros(2, 4, 8)
_KEEP = "if it is to be trained"


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.b = nn.Linear(8, 8)
        self.norm = nn.BatchNorm1d(4, momentum=0.2)
        self.mean: torch.Tensor
        self.register_buffer("mean", torch.zeros(8))

    def normed(self, x, training):
        norm = self.norm
        return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, training, 0.2)


class Attention(Model):
    def forward(self, x):
        q = self.a(x).reshape(-1, 4, 2, 4).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, q, q, dropout_p=0.4 if self.training else 0.0)
        return self.b(y.transpose(1, 2).reshape(-1, 4, 8))


class Conditional(Model):
    def forward(self, x):
        x = self.normed(self.a(x), self.training)
        if self.training:
            x = F.dropout(x, 0.5)
        return self.b(x)


class MultiHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.3, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x)[0]


class Other(Model):
    def forward(self, x):
        x = F.dropout(x, 0.1, self.training)
        return self.a(x) if self.training else self.b(x)


class Average(Model):
    def forward(self, x):
        if self.training:
            self.mean.lerp_(x.detach().mean((0, 1)), 0.1)
        return self.a(x) - self.mean


class Unknown(Model):
    def forward(self, x):
        if self.training and float(torch.rand(())) > 0.5:
            return x
        return self.a(x)


class Always(Model):
    def forward(self, x):
        q = F.dropout(self.a(x), 0.2)
        return F.scaled_dot_product_attention(q, q, q, dropout_p=0.1)


class Detached(Model):
    def forward(self, x):
        x = self.a(x)
        with torch.no_grad():
            y = self.b(x)
        return x.detach() + y + torch.zeros_like(x)


class Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, *gradients):
        return gradients


class Own(Model):
    def forward(self, x):
        return Rounded.apply(self.a(x))


class Running(Model):
    def forward(self, x):
        return self.a(self.normed(x, False))


class Frozen(Model):
    def __init__(self):
        super().__init__()
        self.a.requires_grad_(False)

    def forward(self, x):
        return self.b(self.norm(self.a(x)))

    def train(self, mode=True):
        super().train(mode)
        self.norm.eval()
        return self


@pytest.mark.parametrize("cls", [Attention, MultiHead, nn.TransformerEncoderLayer])
def test_dropout_of_attention_is_kept(cls):
    model = cls(8, 2, 16, dropout=0.3, batch_first=True) if cls is nn.TransformerEncoderLayer else cls()
    lowered = lower(model, X)
    assert lowered.diagnostics == ()
    certificate = verify(model, lowered, X, options=Options(batches=(2,), seeds=1))
    assert certificate.equal, str(certificate)
    assert any(check.mode == "train" and check.kind == "gradient" for check in certificate.checks)


def test_dropout_that_only_training_code_calls_is_kept():
    lowered = lower(Conditional(), X)
    assert lowered.diagnostics == ()
    assert [node.op.name for node in lowered.module.main.nodes if node.op.name in ("dropout", "batch_norm")] == [
        "batch_norm",
        "dropout",
    ]


TOLD = {
    Other: "{place[1]}: warning: forward asks for self.training here and computes something else in training, which is "
    "not lowered: emitted code computes the same in both\n"
    f"  help: only dropout and batch norms may differ; write the rest into the emitted code again, {_KEEP}",
    Always: "{place[0]}: warning: dropout is on in evaluation too (and at {place[1]}): emitted code drops in training "
    "only\n  help: write F.dropout(x, p, training=self.training), or dropout_p=p if self.training else 0.0",
    Detached: "{place[2]}: warning: gradients end here (and at {place[3]}), which is not lowered: emitted code sends "
    f"them through\n  help: put detach() or torch.no_grad() into the emitted code again, {_KEEP}",
    Own: "{place[0]}: warning: Rounded has a backward of its own, which is not lowered: emitted code takes the "
    "derivative of its forward\n  help: write forward so that its derivative is the one wanted, or put the function "
    "into the emitted code again",
    Running: "{normed}: warning: batch norm takes running statistics in training too: emitted code takes those of the "
    f"batch\n  help: call eval() on these layers of the emitted model, {_KEEP}",
    Frozen: "warning: 2 parameters without gradient (a.weight, a.bias): emitted code trains all parameters\n"
    f"  help: call requires_grad_(False) on these of the emitted model, {_KEEP}\n"
    "warning: train() leaves 1 layer in evaluation mode (norm): emitted code puts all into training mode\n"
    "  help: call eval() on these of the emitted model after train()",
}


@pytest.mark.parametrize("cls", TOLD, ids=lambda cls: cls.__name__)
def test_what_is_lost_is_told(cls):
    first, normed = cls.forward.__code__.co_firstlineno + 1, Model.normed.__code__.co_firstlineno + 2
    places = [f"tests/frontends/test_training.py:{line}" for line in (*range(first, first + 4), normed)]
    told = lower(cls(), X).diagnostics
    assert "\n".join(diagnostic.render() for diagnostic in told) == TOLD[cls].format(place=places, normed=places[-1])


@pytest.mark.parametrize("cls", [Average, Unknown])
def test_updates_and_chances_of_training_are_told(cls):
    assert [diagnostic.code for diagnostic in lower(cls(), X).diagnostics] == ["training-form"]


def test_a_model_is_left_as_it_was():
    model = Conditional().train()
    model.b.eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    lower(model, X)
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert "training" not in vars(nn.Module)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_models_of_other_threads_see_their_own_mode():
    model = nn.Identity().eval()
    with ThreadPoolExecutor(1) as pool, mode_read_as(lambda: True):
        assert model.training
        assert pool.submit(lambda: model.training).result() is False
    assert model.training is False
