"""What legalization is made of: the graph in the making, projections between types, and repairs by kind of op."""
