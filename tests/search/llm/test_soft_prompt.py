"""Soft prompts on a Llama with random weights: what is trained is what is read, and it makes answers likelier."""

import importlib

import pytest

from nasc.search.llm import Message, Prompt
from nasc.search.llm.tuning import Tuning

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

Llama = importlib.import_module("nasc.search.llm.llama").Llama
soft_prompt = importlib.import_module("nasc.search.llm.soft_prompt")
Shape = importlib.import_module("nasc.search.llm.weights").Shape
WIDTH, HEADS, KV_HEADS, HEAD, VOCABULARY = 24, 6, 2, 4, 90
PROMPT, ANSWER = [5, 9, 2, 40, 7], [11, 3, 60]


@pytest.fixture
def model():
    torch.manual_seed(0)
    tensors = {"embedding": torch.randn(VOCABULARY, WIDTH), "norm": torch.ones(WIDTH)}
    for layer in range(2):
        tensors |= {
            f"{layer}.attention.norm": torch.ones(WIDTH),
            f"{layer}.attention.in": torch.randn(WIDTH, (HEADS + 2 * KV_HEADS) * HEAD) / 5,
            f"{layer}.attention.out": torch.randn(HEADS * HEAD, WIDTH) / 5,
            f"{layer}.mlp.norm": torch.ones(WIDTH),
            f"{layer}.mlp.gate": torch.randn(WIDTH, 40) / 5,
            f"{layer}.mlp.up": torch.randn(WIDTH, 40) / 5,
            f"{layer}.mlp.out": torch.randn(40, WIDTH) / 5,
        }
    return Llama(Shape(2, HEADS, KV_HEADS, HEAD, 512, 1e-5, 10000.0, 0), tensors)


def read(model, soft):
    """Return the losses of the answer's tokens as they are read one by one."""
    model.begin_with(soft, b"" if soft is None else soft.numpy().tobytes())
    begun = model.start(PROMPT)
    losses, ahead = [], PROMPT[begun:]
    for token in ANSWER:
        losses.append(-torch.log_softmax(model.logits(model.extend(ahead), None), dim=0)[token])
        ahead = [token]
    return torch.stack(losses)


def test_what_is_trained_is_what_is_read(model):
    soft = torch.randn(3, WIDTH)
    torch.testing.assert_close(model.losses(soft, PROMPT, ANSWER), read(model, soft), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(model.losses(torch.empty(0, WIDTH), PROMPT, ANSWER), read(model, None))


def test_tuning_makes_answers_likelier_and_follows_from_its_seed(model):
    tuning = Tuning(length=4, epochs=8, batch=2, rate=0.1)
    examples = [(PROMPT, ANSWER), (PROMPT[:3], ANSWER)]
    data = soft_prompt.tuned(model, examples, tuning)
    soft = soft_prompt.vectors_of(data, WIDTH)
    assert soft.shape == (4, WIDTH)
    before = model.losses(torch.empty(0, WIDTH), PROMPT, ANSWER).mean()
    assert model.losses(soft, PROMPT, ANSWER).mean() < before - 0.5
    assert soft_prompt.tuned(model, examples, tuning) == data
    further = soft_prompt.vectors_of(soft_prompt.tuned(model, examples, tuning, data), WIDTH)
    assert model.losses(further, PROMPT, ANSWER).mean() < model.losses(soft, PROMPT, ANSWER).mean()


def test_a_soft_prompt_of_another_model_is_refused(model):
    data = soft_prompt.tuned(model, [(PROMPT, ANSWER)], Tuning(length=2, epochs=1))
    with pytest.raises(ValueError, match=r"^a soft prompt of shape \[2, 24\] for a model of width 32$"):
        soft_prompt.vectors_of(data, 32)


def test_a_soft_prompt_is_part_of_what_an_answer_is_kept_under():
    plain = Prompt((Message("user", "?"),))
    soft = Prompt((Message("user", "?"),), soft=b"x")
    assert plain.digest("local") != soft.digest("local")
