"""Adapters: the passes of nasc inside other compilers, as passes of torch.fx and of onnx_ir."""
