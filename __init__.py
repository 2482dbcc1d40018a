"""nasc: a compiler for neural architectures with a typed DAG IR, a learned predictor and LLM rewriting."""

__version__ = "0.1.0"
