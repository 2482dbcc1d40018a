"""Lowering of PyTorch models through torch.export; imported only when there is such a model to lower."""
