"""What outlining is made of: regions of a graph, the symbols that tell them apart, and the blocks they become."""
